"""Moving in, by keys: a look at what files hold, the mapping of a client list, then taking them in."""

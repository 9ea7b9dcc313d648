"""Records from elsewhere: written where they belong, readable or not, and never twice."""

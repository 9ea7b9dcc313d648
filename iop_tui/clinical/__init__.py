"""One folder per clinical capability; a slice reaches another only through its api.py."""

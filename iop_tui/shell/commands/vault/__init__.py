"""Commands about the vault and its devices: set-up, users, exchange, backups, checks."""

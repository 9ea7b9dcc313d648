"""The vault's database: one writer, sealed append-only rows, the audit chain, the views."""

"""Letters, scanned forms, laboratory reports: files that belong to a person's chart."""

"""Foreign formats in and out: everything a file from elsewhere may claim is doubted here."""

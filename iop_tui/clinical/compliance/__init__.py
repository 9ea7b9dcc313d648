"""What is due and why, and who did what: the work queue and the audit report."""

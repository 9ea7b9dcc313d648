"""Turnover: a caseload moves to a colleague, somebody stands in, somebody is gone without notice."""

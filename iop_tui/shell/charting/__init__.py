"""Screens of charting between sessions: documents, corrections, versions, co-signatures, checks, profiles."""

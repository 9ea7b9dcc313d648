"""Substances: lapses, timeline follow-back, drug screens, naloxone."""

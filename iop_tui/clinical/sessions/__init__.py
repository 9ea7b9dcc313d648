"""Encounters and procedures."""

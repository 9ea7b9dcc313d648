"""Couples: two people linked, with a couples therapist who treats neither alone."""

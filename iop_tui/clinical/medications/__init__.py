"""Medications and allergies."""

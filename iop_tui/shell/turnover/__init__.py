"""Turnover in the program: its keys and the ways to its screens."""

"""Screens of measures: answering one key at a time, charts over time."""

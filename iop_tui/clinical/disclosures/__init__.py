"""Disclosures: nothing leaves the program without a row."""

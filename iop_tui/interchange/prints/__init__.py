"""Printed copies: every declared document as Markdown and PDF, cards and short texts for plans a client carries."""

"""Questionnaires and their scores."""

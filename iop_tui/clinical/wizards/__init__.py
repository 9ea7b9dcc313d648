"""Guided sequences for what must not go wrong: steps and rules as data, one engine, left and resumed at any step."""

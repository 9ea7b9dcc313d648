"""Check-ins after discharge."""

"""Carriers: whatever takes packs from one device to another, and is trusted with nothing."""

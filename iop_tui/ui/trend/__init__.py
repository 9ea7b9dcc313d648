"""Trends over time as cells, with a cursor; as a picture for print."""

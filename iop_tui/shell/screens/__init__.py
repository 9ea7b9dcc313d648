"""The screens that put several slices together: Today, the chart's frame, search, colleagues, audit, settings."""

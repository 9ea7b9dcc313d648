"""iop-tui: a local-first charting workstation for intensive outpatient programs."""

__version__ = "0.1.0"

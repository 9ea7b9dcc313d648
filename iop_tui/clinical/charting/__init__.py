"""Charting as a whole: every document judged by the rule packs, the plan and the other sessions; what is due; the
nightly check of a chart.
"""

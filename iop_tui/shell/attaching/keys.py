"""The keys of attachments."""

from __future__ import annotations

from iop_tui.ui.keys import Action

CHART = (
    Action("chart.attachments", ("A",), "Attachments", "chart", "Letters, scanned forms, laboratory reports.",
           run="attachments"),
)  # fmt: skip
ATTACHMENTS = (
    Action("attachments.attach", ("+",), "Attach", "attachments", "A file, read and sealed; it stays where it is.",
           run="attach", footer=80),
    Action("attachments.fetch", ("f",), "Fetch", "attachments", "The parts that are not on this device, now.",
           footer=75),
    Action("attachments.pin", ("p",), "Keep here", "attachments", "All of this person, at every exchange; or no more.",
           footer=70),
    Action("attachments.about", ("i",), "About", "attachments", "What it is, from whom; who can read it.",
           footer=65),
    Action("attachments.withdraw", ("d",), "Withdraw", "attachments", "With a reason; nothing is removed.",
           footer=60),
    Action("attachments.stop", ("c",), "Stop", "attachments", "What is being attached or fetched."),
)  # fmt: skip
HERE = (CHART, ATTACHMENTS)
"""Every place's keys, for the one table."""

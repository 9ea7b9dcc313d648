"""The keys of attachments."""

from __future__ import annotations

from iop_tui.ui.keys import Action

CHART = (
    Action("chart.attachments", ("A",), "Attachments", "chart", "Letters, scanned forms, laboratory reports.",
           run="attachments"),
)  # fmt: skip
COUPLE = (
    Action("couple.attachments", ("A",), "Attachments", "couple", "Files of the column that the cursor is in.",
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
FORM = (
    Action("attachform.take", ("f2", "ctrl+s"), "Attach", "attachform", "Read the file, seal it, keep it.", run="save",
           footer=80),
    Action("attachform.command", ("escape",), "Commands", "attachform", "Attach, go on or leave.", run="command",
           footer=50, palette=False),
)  # fmt: skip
HERE = (CHART, COUPLE, ATTACHMENTS)
WRITING = (FORM,)
"""Every place's keys, for the one table."""

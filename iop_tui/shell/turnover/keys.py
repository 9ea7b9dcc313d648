"""The keys of care teams, transfers, succession, case reviews and restrictions."""

from __future__ import annotations

from iop_tui.ui.keys import EVERYWHERE, Action

GO = (
    Action("go.turnover", ("g w",), "Hand-overs", EVERYWHERE, "Transfers, stand-ins, successors: what waits for you.",
           "Go to", "go('turnover')"),
    Action("go.reviews", ("g v",), "Case reviews", EVERYWHERE, "What supervisors and directors are shown, by shares.",
           "Go to", "go('reviews')"),
)  # fmt: skip
CHART = (
    Action("chart.team", ("T",), "Care team", "chart", "Who opens what, since when; assign, transfer, cover, end.",
           run="care_team"),
    Action("chart.restrictions", ("R",), "Restrictions", "chart", "Whom the person asked us not to tell.",
           run="restrictions"),
)
CARE_TEAM = (
    Action("careteam.assign", ("a",), "Assign", "careteam", "A colleague joins; says first what it gives.", footer=80),
    Action("careteam.transfer", ("t",), "Transfer", "careteam", "The part under the cursor, to a colleague.",
           footer=75),
    Action("careteam.cover", ("c",), "Stand in", "careteam", "A colleague until a day; their keys end by themselves.",
           footer=70),
    Action("careteam.end", ("d",), "End", "careteam", "The part under the cursor ends at once.", run="end_part",
           footer=65),
)
TURNOVER = (
    Action("turnover.transfer", ("t",), "Transfer", "turnover", "A caseload to a colleague: a dry run first.",
           footer=80),
    Action("turnover.succession", ("u",), "Succession", "turnover", "Who takes over without notice.", footer=75),
    Action("turnover.reviews", ("v",), "Case reviews", "turnover", "What is shown by shares.", footer=70),
)
TRANSFER = (
    Action("transfer.run", ("r",), "Do it", "transfer", "One person after the other; the marked ones, or all.",
           footer=80),
    Action("transfer.stop", ("d",), "Stop", "transfer", "Between two people; or end it here, with a reason.",
           footer=75),
)
SUCCESSION = (
    Action("succession.name", ("n",), "Name", "succession", "Successor and second signature, for marked ones or all.",
           footer=80),
    Action("succession.approve", ("c",), "Second signature", "succession",
           "Sign that the successor takes over; you get no key.", footer=75),
    Action("succession.announce", ("+",), "Somebody is gone", "succession", "Without notice; gives nobody a key.",
           footer=70),
    Action("succession.end-old", ("e",), "End old part", "succession", "Where the successor has every key.",
           run="end_old", footer=65),
    Action("succession.take-back", ("d",), "Is here after all", "succession", "Take the word back.",
           run="take_back"),
)
REVIEWS = (
    Action("reviews.ask", ("a",), "Ask", "reviews", "To be shown something of a case.", footer=80),
    Action("reviews.show", ("+",), "Show", "reviews", "Records of one person, with a reason and an end.",
           run="show_case", footer=75),
    Action("reviews.answer", ("c",), "Answer", "reviews", "Show what was asked for.", footer=70),
    Action("reviews.decline", ("r",), "Decline", "reviews", "With a reason.", footer=65),
    Action("reviews.end", ("d",), "End", "reviews", "A share, or an exception.", run="end_share", footer=60),
    Action("reviews.except", ("x",), "Exception", "reviews", "Why one supervisor stays over both sides (CR-16).",
           run="except", footer=50),
)
RESTRICTIONS = (
    Action("restrictions.new", ("+",), "New", "restrictions", "Take a request down.", run="new_restriction",
           footer=80),
    Action("restrictions.decide", ("c",), "Decide", "restrictions", "Agree or refuse, by the privacy officer.",
           run="decide", footer=75),
    Action("restrictions.end", ("d",), "End", "restrictions", "With the person's word, or telling them.",
           run="end_restriction", footer=70),
)
HERE = (CHART, CARE_TEAM, TURNOVER, TRANSFER, SUCCESSION, REVIEWS, RESTRICTIONS)
"""Every place's keys, for the one table."""

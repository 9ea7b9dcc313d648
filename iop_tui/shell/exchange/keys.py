"""The keys of the exchange: carriers, devices, versions to decide, people who may be entered twice."""

from __future__ import annotations

from iop_tui.ui.keys import EVERYWHERE, Action

EXCHANGE = (
    Action("exchange.now", ("x",), "Exchange now", "exchange", "With the carrier under the cursor; you go on working.",
           run="exchange_now", footer=88),
    Action("exchange.limit", ("l",), "With a limit", "exchange", "Stop cleanly after so many bytes.",
           run="exchange_limited"),
    Action("exchange.stop", ("c",), "Stop", "exchange", "After the pack that is being moved; the rest follows later.",
           run="stop_exchange", footer=86),
    Action("exchange.add", ("+",), "Add carrier", "exchange", "A stick, a share, a .cwx file, a bucket, a web folder.",
           run="add_carrier", footer=80),
    Action("exchange.test", ("t",), "Test", "exchange", "Whether the carrier is there and is this program's.",
           run="test_carrier", footer=70),
    Action("exchange.key", ("p",), "Password anew", "exchange", "The key or password of the carrier's server again.",
           run="enter_key"),
    Action("exchange.forget", ("d",), "Forget", "exchange", "Take a carrier off the list; nothing on it changes.",
           run="forget_carrier"),
    Action("exchange.file", ("f",), "Carry file", "exchange", "Everything in one .cwx file, for mail or a phone.",
           run="carry_file", footer=60),
    Action("exchange.devices", ("v",), "Devices", "exchange", "Admit, retire, report lost.", run="devices", footer=65),
    Action("exchange.again", ("r",), "Look again", "exchange", "Ask the carriers again what waits.", run="look_again"),
    Action("exchange.next", ("tab",), "Other list", "exchange", run="other_list", palette=False),
)
DEVICES = (
    Action("devices.admit", ("+",), "Admit", "devices", "A new device whose screen shows six words.", run="admit",
           footer=80),
    Action("devices.retire", ("r",), "Retire", "devices", "It is no longer used; what it wrote stays.", run="retire",
           footer=70),
    Action("devices.lost", ("d",), "Lost", "devices", "Cut it off: what it writes from now on is kept apart.",
           run="report_lost", footer=60),
)
MERGE = (
    *(Action(f"merge.take-{number}", (str(number),), f"Take {number}", "merge",
             f"Decide for the words of version {number}.", run=f"take({number - 1})", footer=90 - number)
      for number in range(1, 5)),
    Action("merge.both", ("b",), "Both", "merge", "Keep both texts, one after the other.", run="take_both", footer=84),
    Action("merge.write", ("e",), "Write anew", "merge", "Neither as it is: your own words.", run="write_anew",
           footer=82),
    Action("merge.open", ("o",), "Undecided again", "merge", run="reopen"),
    Action("merge.one-sided", ("a",), "Take one-sided", "merge",
           "Where only one version changed something, take the change; all of them at once.", run="take_one_sided",
           footer=70),
    Action("merge.other", ("v",), "Other version", "merge", "Show another version on the right.", run="other_version"),
    Action("merge.keep", ("f2", "ctrl+s"), "Keep merged", "merge", "Write the version you decided.", run="save",
           footer=92),
    Action("merge.command", ("escape", "q", "left"), "Leave", "merge", "What you decided waits for you.", run="leave",
           footer=20, palette=False),
)
TWICE = (
    Action("twice.same", ("s",), "Same person", "twicepair", "Link the two entries. Nothing is merged.",
           run="say_same", footer=80),
    Action("twice.other", ("n",), "Not the same", "twicepair", "Two people; they are not proposed again.",
           run="say_different", footer=75),
    Action("twice.first", ("1",), "Open left", "twicepair", "The chart of the entry on the left.", run="open_chart(0)",
           footer=60),
    Action("twice.second", ("2",), "Open right", "twicepair", "The chart of the entry on the right.",
           run="open_chart(1)", footer=55),
)
GO = (
    Action("go.exchange", ("g y",), "Exchange", EVERYWHERE, "Carriers, devices, what waits for whom.", "Go to",
           "go('exchange')"),
    Action("go.devices", (), "Devices", EVERYWHERE, "The copies of this vault: admit, retire, lost.", "Go to",
           "go('devices')"),
    Action("go.twice", (), "People entered twice", EVERYWHERE, "Entries that may be one person.", "Go to",
           "go('twice')"),
)

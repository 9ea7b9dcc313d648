"""The kit's test app as a program: `python -m tests.tui.kit.program [crash] [theme]`."""

from __future__ import annotations

import os
import sys

from iop_tui.ui.keys import Action
from iop_tui.ui.lists.columns import Column
from tests.tui.kit.support import TABLE, KitTestApp, People, Row


class Program(KitTestApp):
    """Ends as the real program does: a crash prints one line, a hang-up leaves with a status."""

    keys = TABLE.plus((
        Action("go.crash", ("g x",), "Crash", "everywhere", run="go('crash')"),
        Action("go.plain", ("g p",), "Plain list", "everywhere", run="go('plain')"),
    ))
    BINDINGS = keys.bindings("everywhere")

    def action_go(self, where: str) -> None:
        if where == "crash":
            canary = "Marigold"
            raise RuntimeError(canary)
        if where == "plain":
            self.push_screen(Plain())
        else:
            super().action_go(where)


class Plain(People):
    """Rows as the benchmark of the byte budget has them: a number, a name, a date."""

    columns = (
        Column[Row]("number", "No.", lambda row: f"{row.number:06}", 8),
        Column[Row]("name", "Name", lambda row: f"Client {row.number % 97:03}", 30, weight=1),
        Column[Row]("seen", "Seen", lambda row: f"2026-03-{row.number % 28 + 1:02}", 10),
    )


if __name__ == "__main__":
    app = Program(theme=os.environ.get("KIT_THEME", "dark"))
    app.run()
    sys.exit(app.return_code)

"""Reviewing a plan: every open objective is decided on, then the plan is carried forward as its next revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
from textual import on

from iop_tui.clinical.plans import outline, sheets, starting
from iop_tui.clinical.plans import review as reviews
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.plans.outline import LABEL, MISSING, Row, Sums
from iop_tui.clinical.plans.screens.doors import Doors
from iop_tui.clinical.plans.screens.treepage import TreePage
from iop_tui.clinical.plans.sheets import Sheet
from iop_tui.clinical.plans.starting import ReviewStart
from iop_tui.clinical.plans.treatment import DISPOSITIONS, Disposition, Review, TreatmentPlan
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import FieldInfo, Finding, Severity, fields_of
from iop_tui.kernel.errors import NotReady, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.ui.forms.draftpage import when
from iop_tui.ui.outline import OutlineList
from iop_tui.workspace import Workspace

HEAD = "=review"
_INFO: dict[str, FieldInfo] = {
    **{info.name: info for info in fields_of(Review)},
    "next_review": next(info for info in fields_of(TreatmentPlan) if info.name == "next_review"),
}
_NAMES = ("on", "reason", "summary", "level_rationale", "next_review")
_WORDS_NEEDED = "say what was reached or why it ends"


class PlanReview(TreePage):
    """The plan in force with a decision at the end of each open objective. `1` to `6` decide, Enter writes more."""

    heading = "Review"
    places = ("planreview", "form")
    inner_places = ("outline", "decide")
    commands = (("i", "go on"), ("r", "carry forward"), ("d", "discard"), ("q", "leave"))
    no_findings = "Every open objective is decided on."
    findings_heading = "Before it is carried forward"

    def __init__(self, ws: Workspace, start: ReviewStart, doors: Doors) -> None:
        super().__init__(doors, local_date(ws.clock.now_ms()))
        self.begun, self.review, self.next_review = start, start.review, start.next_review
        self.decisions = dict(start.decisions)
        self._owed = {item.id: (number, item) for number, item in reviews.owed(start.plan)}
        self._folded: set[str] = set()

    def on_mount(self) -> None:
        """Say whose it is, and what was restored."""
        super().on_mount()
        restored = bool(self.begun.restored_at_ms)
        stage = f"of revision {self.begun.plan.number}"
        self.retitle(f"{self.heading}: {self.begun.name}", "unsaved work restored" if restored else stage)

    # -- what the page shows ---------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """The review itself, then the tree with its decisions."""
        marks = {item.place: MISSING for item in self.lacking()}
        day = self.review.on.isoformat() if self.review.on else "no date"
        text = f"{day}, {self.review.reason}: {self.review.summary or 'no summary yet'}"
        head = Row(HEAD, "Review", text, mark=marks.get(HEAD, ""), label_width=LABEL)
        found = outline.tree_rows(self.begun.plan, {}, self._folded)
        return [head, Row("=gap", "", "", gap=True), *outline.decided(found, self.decisions, self._owed, marks)]

    def sums(self) -> Sums:
        """Planned against prescribed time of the plan in force."""
        return outline.sums(self.begun.plan, self.findings)

    def about(self) -> str:
        """How far the review is."""
        done = sum(bool(item.decision) for item in self.decisions.values())
        return f"{done} of {len(self._owed)} decided"

    def detail(self, key: str) -> list[tuple[str, str]]:
        """The whole words of a row, and what was decided."""
        if key == HEAD:
            return [("", self.review.summary)]
        decision = self.decisions.get(key)
        said = [("Decided", decision.shown().strip())] if decision and decision.decision else []
        return [*said, *outline.details(self.begun.plan, key)]

    def row_of(self, finding: Finding) -> str:
        """The objective, or the review."""
        return finding.place or HEAD

    async def judge(self) -> Sequence[Finding]:
        """What the review still lacks."""
        return self.lacking()

    def lacking(self) -> list[Finding]:
        """What stands in the way of carrying the plan forward."""
        found = []
        if self.review.on is None or self.review.on > self.today:
            found.append(_lacks("The review needs its date, today at the latest.", HEAD))
        if not self.review.summary.strip():
            found.append(_lacks("The review needs a summary.", HEAD))
        for key, (number, _) in self._owed.items():
            decision = self.decisions.get(key, Disposition())
            if not decision.decision:
                found.append(_lacks(f"Objective {number} has no decision.", key))
            elif decision.decision != "continue" and not (decision.comment.strip() or decision.standing.strip()):
                found.append(_lacks(f"Objective {number}: {_WORDS_NEEDED}.", key))
        return found

    # -- sheets ----------------------------------------------------------------------------------

    def sheet(self, key: str) -> Sheet:
        """The review's own fields, or the decision about an objective."""
        if key == HEAD:
            values = {**msgspec.to_builtins(self.review), "next_review": self.next_review}
            kept = {name: values[name] for name in _NAMES}
            fields = tuple(replace(_INFO[name], required=name in ("on", "summary", "next_review")) for name in _NAMES)
            return Sheet("Review", fields, kept, "summary")
        if key not in self._owed:
            raise Refused("Only open objectives are decided on.", "What the plan should say is changed afterwards.")
        number, objective = self._owed[key]
        return sheets.decision_sheet(number, objective, self.decisions.get(key, Disposition()))

    def take(self, key: str, values: dict[str, Any], name: str) -> None:
        """Into the review."""
        del name
        if key == HEAD:
            given = {**msgspec.to_builtins(self.review), **{field: values[field] for field in _NAMES[:-1]}}
            self.review = sheets.converted(given, Review)
            day = values["next_review"]
            self.next_review = date.fromisoformat(day) if isinstance(day, str) else day
            return
        before = msgspec.to_builtins(self.decisions.get(key, Disposition()))
        self.decisions[key] = sheets.converted({**before, **values}, Disposition)

    def action_decide(self, place: int) -> None:
        """Decide on the objective under the cursor and go on; what ends needs words at once."""
        key = self.listing.key
        if key not in self._owed:
            self.app.notify("Only open objectives are decided on.", severity="warning")
            return
        chosen = DISPOSITIONS[place - 1]
        before = self.decisions.get(key, Disposition())
        self.decisions[key] = msgspec.structs.replace(before, decision=chosen)
        self.touched()
        self.judge_soon(0.01)
        if chosen == "continue":
            self.redraw()
            self._to_next(key)
        else:
            self.redraw()
            self.open_sheet(key)

    def _to_next(self, key: str) -> None:
        order = [row.key for row in self.listing.rows if row.key in self._owed]
        here = order.index(key) if key in order else -1
        following = next((other for other in [*order[here + 1 :], *order[: here + 1]]
                          if not self.decisions.get(other, Disposition()).decision), None)  # fmt: skip
        if following is not None:
            self.listing.go_to(following)

    @on(OutlineList.FoldAsked)
    def _fold(self, event: OutlineList.FoldAsked) -> None:
        event.stop()
        self._folded ^= {event.key}
        self.redraw(event.key)

    # -- the journal, carrying forward -----------------------------------------------------------

    async def keep_draft(self) -> None:
        """Seal what was decided so far."""
        await self.desk.keep(starting.keep_review, self.begun, self.review, self.next_review, dict(self.decisions))

    def keep_now(self, subject: Workspace) -> None:
        """The same, without waiting for a turn of the event loop."""
        self.pull()
        starting.keep_review(subject, self.begun, self.review, self.next_review, self.decisions)
        self._kept_all = True

    def kept(self) -> None:
        """Say when."""
        self.shell.set_status("draft", f"unsaved work kept {when(self.desk.subject.clock.now_ms)}")
        self.shell.told(None)

    async def save_draft(self) -> bool:
        """A review is stored by carrying the plan forward; until then it waits in the journal."""
        if not await self.close_sheet():
            return False
        await self._keep()
        return True

    def action_review(self) -> None:
        """Carry the plan forward."""
        self.start(self._carry_forward, group="save")

    async def _carry_forward(self) -> None:
        if not await self.close_sheet():
            return
        await self._judge()
        missing = [item for item in self.findings if item.severity is Severity.REFUSE]
        if missing or self.next_review is None:
            self.listing.go_to(self.row_of(missing[0]) if missing else HEAD)
            raise NotReady(missing[0].message if missing else "The next review needs its date.",
                           "Then carry the plan forward.")  # fmt: skip
        plan = reviews.carry_forward(
            self.begun.plan, self.decisions, self.review, next_review=self.next_review,
            previous=show_id(self.begun.record),
        )  # fmt: skip
        with self.shell.holding():
            saved = await self.desk.write(
                self.doors.save, self.begun.person, TREATMENT_PLAN, plan, slot=self.begun.slot
            )
        self.stored()
        self._done = True
        self.shell.set_status("draft", "")
        self.app.notify(f"Revision {plan.number} is a draft now: ask the client, complete it, sign it.")
        self.go("plandraft", saved.record, how="instead")

    async def give_up(self) -> None:
        """Drop the journal's copy."""
        await self.desk.write(starting.give_up, self.begun.slot)
        self.shell.set_status("draft", "")


def _lacks(message: str, key: str) -> Finding:
    return Finding(Severity.REFUSE, "review", message, "review", place=key)

"""A treatment plan to read: the tree as a tree, and from here its review, the client's signature, its versions."""

from __future__ import annotations

from iop_tui.clinical.plans.treatment import TreatmentPlan
from iop_tui.shell.screens.record import RecordPage


class PlanPage(RecordPage):
    """One revision of a plan."""

    heading = "Treatment plan"
    places = ("record", "reader", "planread", "back", "find")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A review carries forward what is signed and not closed."""
        if action == "next_revision":
            plan = self.opened.view.document
            is_signed = self.opened.view.line.status == "signed" and not self.opened.beside.void
            return is_signed and isinstance(plan, TreatmentPlan) and plan.closed_on is None
        return super().check_action(action, parameters)

    def action_edit_record(self) -> None:
        """Go on writing."""
        self.go("plandraft", self.record, how="instead")

    def action_correct(self) -> None:
        """A correction beside the signed plan, in the plan's own editor."""
        self.go("plancorrection", self.record)

    def action_next_revision(self) -> None:
        """Review the plan: decide on every objective, carry it forward."""
        self.go("planreview", self.opened.view.line.person, how="instead")

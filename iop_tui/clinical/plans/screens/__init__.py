"""Screens of treatment plans: the editor, the review that carries a plan forward."""

from iop_tui.clinical.plans.screens.doors import Doors
from iop_tui.clinical.plans.screens.editor import PlanCorrection, PlanEditor
from iop_tui.clinical.plans.screens.review import PlanReview

__all__ = ["Doors", "PlanCorrection", "PlanEditor", "PlanReview"]

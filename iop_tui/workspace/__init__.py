"""The composition root: one user's unlocked vault, and the only place where clock, randomness and KDF cost are
injected.

The terminal program, the command line and the tests all hold a `Workspace` and call the same services with it.
"""

from iop_tui.workspace.environment import DATABASE, ISSUER, VIEWS, Environment, NewUser
from iop_tui.workspace.founding import create
from iop_tui.workspace.pins import program_pin
from iop_tui.workspace.slotaccess import open_kit, open_slot
from iop_tui.workspace.unlocking import unlock, unlock_with
from iop_tui.workspace.workspace import Workspace, writing

__all__ = [
    "DATABASE",
    "ISSUER",
    "VIEWS",
    "Environment",
    "NewUser",
    "Workspace",
    "create",
    "open_kit",
    "open_slot",
    "program_pin",
    "unlock",
    "unlock_with",
    "writing",
]

"""Does a view say what the vault says? A second view is built beside it and both are compared; then it is destroyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_tui.kernel.errors import IopError
from iop_tui.store.check import CheckFinding
from iop_tui.store.views.passing import passing_view
from iop_tui.store.views.view import View

if TYPE_CHECKING:
    from iop_tui.store.session import Session

# Row numbers differ between a view that grew and one that was built at once; everything else must be equal.
DUMPS = {
    "card": "SELECT * FROM card ORDER BY user",
    "wrap": "SELECT id, recipient, compartment, generation, primitive, not_after_ms, act, author, revoked_ms"
    " FROM wrap ORDER BY id",
    "generation": "SELECT * FROM generation ORDER BY compartment, number",
    "emergency": "SELECT * FROM emergency ORDER BY id",
    "keyring": "SELECT compartment, generation, key FROM keyring ORDER BY compartment, generation",
    "compartment": "SELECT id, kind, person, owner FROM compartment ORDER BY id",
    "record": "SELECT record, kind, person, compartment, author, leaf, leaves, versions, status, service_date,"
    " created_ms, title, source, version, doc FROM record ORDER BY record",
    "version": "SELECT * FROM version ORDER BY id",
    "signature": "SELECT * FROM signature ORDER BY id",
    "person": "SELECT * FROM person ORDER BY id",
    "fact": "SELECT * FROM fact ORDER BY person, key, on_date, record",
    "text": "SELECT r.record, t.body FROM searchtext t JOIN record r ON r.id = t.id ORDER BY r.record",
}
_NAME = "compare.tmp"


def compare_view(
    session: Session, folder: Path, progress: Callable[[int, int], None] | None = None
) -> list[CheckFinding]:
    """Build a second view under a key that is never stored and name every table that differs.

    On the way every revision this user can open is decrypted and its author's signature checked.
    """
    current = session.view
    with passing_view(folder, _NAME, session.rng) as second:
        session.view = second
        try:
            session.forget_keys()
            session.catch_up(progress)
            built = {name: session.view.rows(query) for name, query in DUMPS.items()}
        finally:
            session.view = current
            session.forget_keys()
    return [*_differences(current, built), *_signatures(session)]


def _differences(current: View, built: dict[str, list[tuple[Any, ...]]]) -> list[CheckFinding]:
    return [
        CheckFinding(f"The table {name} of your view differs from what the vault gives", f"views/{current.path.name}")
        for name, query in DUMPS.items()
        if current.rows(query) != built[name]
    ]


def _signatures(session: Session) -> list[CheckFinding]:
    found = []
    for (identifier,) in session.view.rows("SELECT id FROM version UNION SELECT id FROM signature ORDER BY 1"):
        try:
            session.open_revision(identifier)
        except IopError as error:
            found.append(CheckFinding(f"A revision does not stand the check: {error.message}", "vault.db revision"))
    return found

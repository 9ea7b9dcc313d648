"""What a server may do to two devices, and what each of them must say: for servers in memory and real ones.

A `Server` is what both devices exchange with. It can be put back to what it was, lose and halve what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange.engine import Report
from iop_tui.shell.exchange import words
from iop_tui.workspace import Workspace
from tests.support.clinic.devices import Device
from tests.support.clinic.vaults import note, today


class Server(Protocol):
    """A server under test."""

    def sync(self, ws: Workspace) -> Report:
        """One exchange with it."""
        ...

    def keep(self) -> Any:
        """Everything it holds."""
        ...

    def put_back(self, kept: Any) -> None:
        """Hold that and nothing else."""
        ...

    def newest(self) -> str:
        """The name of the pack it was given last."""
        ...

    def change(self, name: str, how: Callable[[bytes], bytes | None]) -> None:
        """Hold something else under a name; None: nothing."""
        ...


@dataclass
class Two:
    """Two devices, unlocked, in step over a server."""

    devices: list[Device]
    workspaces: list[Workspace]
    server: Server
    written: list[bytes] = field(default_factory=list)

    def write(self, at: int, text: str) -> bytes:
        ws = self.workspaces[at]
        self.written.append(notes.save(ws, self.devices[at].program.people["ana"], note(today(ws), text)).revision)
        return self.written[-1]

    def sync(self, at: int) -> Report:
        return self.server.sync(self.workspaces[at])

    def has(self, at: int, revision: bytes) -> bool:
        return self.workspaces[at].view.one("SELECT 1 FROM version WHERE id = ?", (revision,)) is not None

    def said(self, at: int, report: Report) -> str:
        return " ".join(words.alarms(report, self.workspaces[at].clock.now_ms()))

    def begin(self) -> None:
        """Both have used the server and know what it holds."""
        for at in (0, 1, 0):
            self.sync(at)

    def settle(self) -> None:
        """Both exchange until nothing is left; then nothing is lost."""
        for _ in range(2):
            for at in (0, 1):
                self.sync(at)
        assert all(self.has(at, revision) for at in (0, 1) for revision in self.written)


def half_a_file(two: Two) -> None:
    """It answers 200 with half of what it was given: named, set aside, brought again."""
    two.begin()
    revision = two.write(0, "Half of this is lost.")
    two.sync(0)
    two.server.change(two.server.newest(), lambda data: data[: len(data) // 2])
    report = two.sync(1)
    assert len(report.moved.damaged) == 1
    assert "Cut or damaged on the carrier: 1 pack" in two.said(1, report)
    assert not two.has(1, revision)
    two.sync(0)
    assert two.sync(1).moved.damaged == []
    two.settle()


def lost_objects(two: Two) -> None:
    """It loses what it was given, before and after the other device had it: named, brought again."""
    two.begin()
    revision = two.write(0, "Lost before it was fetched.")
    two.sync(0)
    lost = two.server.newest()
    two.server.change(lost, lambda data: None)
    report = two.sync(1)
    assert not two.has(1, revision)
    assert report.moved.gone == [lost]
    assert "The carrier lacks 1 pack" in two.said(1, report)
    assert lost in two.sync(0).moved.sent, "it was brought again"
    two.sync(1)
    assert two.has(1, revision)
    two.settle()
    two.server.change(lost, lambda data: None)
    for device in two.devices:
        device.clock.advance(8 * 24 * 3600)  # once a week everything is listed
    reports = [two.sync(0), two.sync(1)]
    assert [report.moved.gone for report in reports] == [[lost], []]
    assert lost in reports[0].moved.sent
    two.settle()


def put_back_to_an_older_state(two: Two) -> None:
    """It goes back to yesterday: named with the time, nothing here goes back, everything is brought again."""
    two.begin()
    kept = two.server.keep()
    for at in (0, 1):
        two.write(at, f"After the state that it goes back to, by {at}.")
    for at in (0, 1, 0):
        two.sync(at)
    two.server.put_back(kept)
    report = two.sync(0)
    assert {less.name for less in report.faces.back} == {"Front office", "Laptop"}
    said = two.said(0, report)
    assert "went back to an older state" in said
    assert "less of Front office and Laptop than before" in said
    assert report.faces.back_to_ms > 0
    assert report.moved.sent
    assert two.sync(0).faces.back == [], "a step back is told once"
    two.settle()


def two_faces(two: Two, meet: Callable[[], None]) -> None:
    """It shows each device a past of its own, without a contradiction in either: named after they met elsewhere."""
    two.begin()
    faces = [two.server.keep(), two.server.keep()]

    def sync(at: int) -> Report:
        two.server.put_back(faces[at])
        report = two.sync(at)
        faces[at] = two.server.keep()
        return report

    for _ in range(2):
        for at in (0, 1):
            two.write(at, f"For one face only, by {at}.")
            report = sync(at)
            assert (report.faces.back, report.faces.two) == ([], []), "nobody can know yet"
    meet()
    for at, other in ((0, "Laptop"), (1, "Front office")):
        report = sync(at)
        assert [less.name for less in report.faces.two] == [other]
        assert f"does not show this device what {other} brought there" in two.said(at, report)
        assert report.faces.back == []
    two.settle()
    assert two.sync(0).faces.two == [], "one face again"

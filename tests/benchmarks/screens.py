"""Budgets that are seen from the terminal: start, unlock, keys, bytes, slow lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iop_tui.kernel.secret import Secret
from iop_tui.vault import headfile, kdf
from tests.benchmarks import bare, trend
from tests.benchmarks.budget import Budget, median, p99
from tests.benchmarks.demo import PROGRAM, Demo, start, unlock
from tests.benchmarks.probe import Paint, Probe

BARE_LIST = [sys.executable, "-m", "tests.benchmarks.bare", "list"]
BARE_TEXT = [sys.executable, "-m", "tests.benchmarks.bare", "text"]
TREND = [sys.executable, "-m", "tests.benchmarks.trend"]

STARTS, UNLOCKS, KEYS = 15, 5, 60
SLOW = 8_000  # bytes per second of a line of 64 kbit/s

TODAY, CASELOAD, CHART, EDITOR = r"\bToday\b", r"\bCaseload\b", r"(?i)\bTimeline\b", r"(?i)\bPresentation\b"
NOTE = "\n".join(f"Line {number}. {bare.LINE}" for number in range(200))


# -- start ---------------------------------------------------------------------------------


def _nothing() -> float:
    """Seconds of a Python that does nothing, started the same way as the program."""
    with Probe([sys.executable, "-c", "pass"]) as probe:
        return probe.ended() - probe.started


def _hardened(pid: int) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return any(line.split()[4:5] == ["0"] for line in limits.splitlines() if line.startswith("Max core file size"))


def _prompt(vault: Path, name: str) -> tuple[float, float, bool]:
    """Seconds until the card is drawn and until a first key shows, and whether the hardening was done by then.

    The card asks for the user: the first key shows as itself, or as a star until the card knows what it asks.
    """
    with Probe([*PROGRAM, "--vault", str(vault)]) as probe:
        while not probe.size() and probe.alive():
            probe.pump(0.5)
        probe.send(name[0])
        drawn = probe.when(r"(?i)user|name|passphrase", quiet=0.05)
        shown = probe.when(rf"[{name[0]}*]\s*$", quiet=0.05)
        hardened = all(map(_hardened, probe.family()))
    return drawn - probe.started, shown - probe.started, hardened


def starting(demo: Demo, folder: Path) -> Iterator[Budget]:
    """The prompt against a Python that does nothing."""
    vault = demo.copy(folder / "start")
    nothing, drawn, shown, hardened = [], [], [], True
    for _ in range(STARTS):
        nothing.append(_nothing())
        one, two, sound = _prompt(vault, "Zz")
        drawn.append(one)
        shown.append(two)
        hardened = hardened and sound
    base = median(nothing) * 1000
    note = "hardening done" if hardened else "HARDENING NOT DONE"
    yield Budget("prompt card drawn", median(drawn) * 1000, "ms", 1.5, base, "of python -c pass")
    yield Budget("first key accepted", median(shown) * 1000, "ms", 3.0 if hardened else 0.0, base, note)


# -- unlock --------------------------------------------------------------------------------


def _derivation(vault: Path) -> float:
    """Seconds of the key derivation that the vault asks for, measured here and now."""
    profile = headfile.read(vault / headfile.NAME).header.slots[0].profile
    at = time.perf_counter()
    key: Secret = kdf.derive(bytearray(b"a passphrase to measure with"), bytes(kdf.SALT_BYTES), profile)
    key.wipe()
    return time.perf_counter() - at


def unlocking(demo: Demo, folder: Path) -> Iterator[Budget]:
    """Enter on the prompt until Today and until the caseload, against the first paint of a bare program."""
    base, today, caseload = [], [], []
    for _ in range(UNLOCKS):
        with Probe(BARE_LIST) as probe:
            base.append(probe.when(bare.READY) - probe.started)
        vault = demo.copy(folder / "unlock")
        derivation = median(_derivation(vault) for _ in range(3))
        with start(vault, demo.clinician) as probe:
            at = unlock(probe, demo.clinician)
            today.append(probe.when(TODAY) - at - derivation)
            probe.settle(0.3)
            at = probe.send("gc")
            caseload.append(probe.when(CASELOAD) - at)
    floor, note = median(base) * 1000, "key derivation taken off"
    yield Budget("Enter → Today painted", median(today) * 1000, "ms", 0.6, floor, note)
    both = median(first + second for first, second in zip(today, caseload, strict=True))
    yield Budget(f"Enter → caseload ({demo.people:,} people)", both * 1000, "ms", 0.6, floor, note)


# -- keys ----------------------------------------------------------------------------------


@contextmanager
def unlocked(demo: Demo, folder: Path, name: str, rate: int = 0) -> Iterator[Probe]:
    """The program with Today on the screen."""
    with start(demo.copy(folder / name), demo.clinician, rate=rate) as probe:
        unlock(probe, demo.clinician)
        probe.when(TODAY)
        probe.settle(0.5)
        yield probe


def open_editor(probe: Probe, text: str) -> None:
    """From Today to a new note with `text` in its first long field."""
    for keys, expected in (("gc", CASELOAD), ("<enter>", CHART), ("n", EDITOR)):
        probe.send(keys)
        probe.when(expected)
        probe.settle(0.3)
    to_text(probe)
    if text:
        probe.send(f"\x1b[200~{text}\x1b[201~")
    probe.settle(0.5)


def to_text(probe: Probe) -> None:
    """In the editor, to its first long field."""
    for _ in range(20):
        if any("What the client said" in line for line in probe.show().splitlines()[-10:]):
            break
        probe.press("<f4>")


def _sizes(probe: Probe, keys: str, count: int) -> list[Paint]:
    return [probe.press(keys) for _ in range(count)]


def typing(demo: Demo, folder: Path) -> Iterator[Budget]:
    """A character in a note of 200 lines, batch by batch in turn with a bare text area."""
    ours, theirs, our_cpu, their_cpu = list[Paint](), list[Paint](), 0.0, 0.0
    with unlocked(demo, folder, "typing") as probe, Probe(BARE_TEXT) as plain:
        probe.calm()  # the full check of the vault runs behind the first screen
        open_editor(probe, NOTE)
        plain.when(bare.READY)
        plain.send("<down>" * 100 + "<end>")
        plain.settle(0.5)
        for _ in range(4):
            at = plain.cpu()
            theirs += _sizes(plain, "x", KEYS // 2)
            their_cpu += plain.cpu() - at
            at = probe.cpu()
            ours += _sizes(probe, "x", KEYS // 2)
            our_cpu += probe.cpu() - at
        probe.settle(1.5)
        before = probe.size()
        probe.settle(3.0)
        idle = (probe.size() - before) / 3.0
    yield Budget(
        "key → paint, p99", p99([each.last for each in ours]) * 1000, "ms", 1.2,
        p99([each.last for each in theirs]) * 1000, "of a bare TextArea",
    )  # fmt: skip
    yield Budget("CPU per key", our_cpu * 1000 / len(ours), "ms", 1.0, their_cpu * 1000 / len(theirs))
    stock = f"bare TextArea: {median(each.size for each in theirs):,.0f}"
    yield Budget("bytes per character, 200-line note", median(each.size for each in ours), "B", 300, note=stock)
    yield Budget("bytes per second when idle", idle, "B", 0)


def moving(demo: Demo, folder: Path) -> Iterator[Budget]:
    """Cursor, page and full-screen changes in the caseload."""
    with unlocked(demo, folder, "moving") as probe:
        probe.send("gc")
        probe.when(CASELOAD)
        probe.settle(0.5)
        down = _sizes(probe, "<down>", min(20, demo.people // 2))
        pages = _sizes(probe, "<pgdn>", 8) + _sizes(probe, "<pgup>", 8)
        changes = [probe.press(keys, 0.2) for keys in ("<enter>", "<esc>", "gt", "gc")]
    yield Budget("bytes per cursor down", median(each.size for each in down), "B", 450)
    pages = [each for each in pages if each.size > 200]  # at the ends of a short list nothing scrolls
    if pages:
        yield Budget("bytes per page", median(each.size for each in pages), "B", 1_300)
    yield Budget("bytes per full-screen change", max(each.size for each in changes), "B", 10_000)


def charting(demo: Demo, folder: Path) -> Iterator[Budget]:
    """A key on a chart of five hundred points, batch by batch in turn with a bare text area. Needs no vault."""
    del demo, folder
    ours, theirs, zooms = list[Paint](), list[Paint](), list[Paint]()
    with Probe(TREND) as chart, Probe(BARE_TEXT) as plain:
        chart.when(trend.READY)
        plain.when(bare.READY)
        plain.send("<down>" * 100 + "<end>")
        for probe in (chart, plain):
            probe.settle(0.5)
        for _ in range(4):
            theirs += _sizes(plain, "x", KEYS // 2)
            ours += _sizes(chart, "<left>", KEYS // 2)
        for _ in range(8):
            zooms += [chart.press("+"), chart.press("-")]
    base = p99([each.last for each in theirs]) * 1000
    note = f"of a bare TextArea; {trend.POINTS} points"
    yield Budget("chart: key → paint, p99", p99([each.last for each in ours]) * 1000, "ms", 1.2, base, note)
    yield Budget("chart: bytes per cursor key", median(each.size for each in ours), "B", 450)
    yield Budget("chart: bytes per zoom", max(each.size for each in zooms), "B", 10_000)


def slow_line(demo: Demo, folder: Path) -> Iterator[Budget]:
    """Five characters a second on a line of 64 kbit/s: how long after the last one the screen is right."""
    with unlocked(demo, folder, "slow", rate=SLOW) as probe:
        open_editor(probe, NOTE[:1_000])
        probe.settle(1.0)
        before, at = probe.size(), 0.0
        for _ in range(25):
            at = probe.send("y")
            end = at + 0.2
            while (left := end - time.perf_counter()) > 0:
                probe.pump(left)
        last = probe.size()
        probe.settle(0.3)
        lag = probe.last_output - at if probe.size() > last else 0.2
    note = f"{(probe.size() - before) / 25:,.0f} B per character"
    yield Budget("lag at 64 kbit/s, 5 characters/s", lag, "s", 0.5, note=note)

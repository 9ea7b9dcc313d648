"""What an exchange means, in plain words: for the screens and for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from iop_tui.exchange.cards import ACTIVE, LOST
from iop_tui.exchange.carrying import Moved
from iop_tui.exchange.chunks import MovedParts
from iop_tui.exchange.engine import DeviceLine, Report
from iop_tui.exchange.remotes.patient import Struggle
from iop_tui.exchange.taking import LATE, NEWER, NO_DEVICE, NO_KEY, WORDS, Waiting
from iop_tui.exchange.witness import Faces, Less
from iop_tui.workspace.exchangestate import CarrierState, Standing

Said = tuple[str, str]
"""A sentence and its tone."""
_KB, _MB = 1000, 1_000_000
_THEN = {
    NEWER: "Update iop-tui here.",
    NO_DEVICE: "It is taken in once that device's card came.",
    NO_KEY: "It is taken in once the key came.",
    LATE: "What it wrote then is kept apart; ask who used it.",
}
ASIDE_FULL = ("No more are kept. A carrier brings many: ask whoever runs it, and delete the folder packs/cwx1/q of the"
              " vault once nobody needs to look at it.")  # fmt: skip


# -- numbers -------------------------------------------------------------------------------


def size(count: int) -> str:
    """Bytes as people say them: `640 bytes`, `38 kB`, `1.2 MB`."""
    if count < _KB:
        return f"{count} bytes"
    return f"{round(count / _KB)} kB" if count < _MB else f"{count / _MB:.1f} MB"


def duration(seconds: float) -> str:
    """Seconds as people say them; never less than one."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def packs(count: int) -> str:
    """`1 pack`, `2 packs`."""
    return f"{count} pack{'' if count == 1 else 's'}"


def moment(at_ms: int, now_ms: int) -> str:
    """A local time: `14:02` today, else with its date."""
    at, now = datetime.fromtimestamp(at_ms / 1000), datetime.fromtimestamp(now_ms / 1000)
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def place(path: str) -> str:
    """Where a carrier is, short enough for a line: its folder and the one above; of a server all but the question."""
    if "://" in path:
        return path.partition("?")[0]
    parts = path.rstrip("/").split("/")
    return path if len(parts) <= 3 else f".../{'/'.join(parts[-2:])}"


# -- carriers ------------------------------------------------------------------------------


def last(state: CarrierState, now_ms: int) -> str:
    """When a carrier was used last, and whether everything was moved."""
    if state.last is None:
        return "never used"
    when = moment(state.last.at_ms, now_ms)
    if state.last.complete:
        return when
    return f"{when}, not all" if state.last.left else f"{when}, stopped"


def ahead(state: CarrierState, standing: Standing) -> str:
    """What an exchange with a carrier would move now, and how long it would take."""
    if state.estimate is None:
        return state.trouble
    brings, takes = state.estimate.send, state.estimate.receive
    parts = []
    if takes:
        parts.append(f"{packs(len(takes))} in, {size(sum(takes.values()))}")
    if brings or standing.unpacked:
        parts.append(f"{size(sum(brings.values()) + sum(state.estimate.seal))} out")
    if state.estimate.parts.total:
        parts.append(f"attachments {size(state.estimate.parts.total)}")
    if not parts:
        return "nothing waits"
    if state.estimate.around:
        parts.append(f"{size(state.total)} on the line")
    return f"{'; '.join(parts)}; {duration(state.seconds)}"


def struggling(struggle: Struggle) -> str:
    """How it goes on a link that drops; empty as long as it does not."""
    if not struggle.drops:
        return ""
    at = f" at {size(struggle.done)} of {size(struggle.size)}" if struggle.size else ""
    return f"{dropped(struggle).removesuffix('.')}, going on{at}"


def dropped(struggle: Struggle) -> str:
    """How often the link dropped; empty for never."""
    times = "once" if struggle.drops == 1 else f"{struggle.drops} times"
    return f"The link dropped {times}." if struggle.drops else ""


# -- devices -------------------------------------------------------------------------------


def step(line: DeviceLine, now_ms: int) -> Said:
    """How far a device has followed this one."""
    if line.this:
        return "this one", "dim"
    if line.status != ACTIVE:
        return ("! lost, cut off", "danger") if line.status == LOST else (line.status, "dim")
    if not line.behind:
        return "in step", "text"
    if not line.step_ms:
        return "has not answered yet", "warn"
    return f"in step until {moment(line.step_ms, now_ms)}", "text"


def owed(line: DeviceLine, standing: Standing) -> str:
    """What waits for a device."""
    if line.this or line.status != ACTIVE:
        return ""
    parts = [f"{packs(line.behind)} wait{'s' if line.behind == 1 else ''} for it"] if line.behind else []
    if standing.changes:
        parts.append(f"{standing.changes} change{'' if standing.changes == 1 else 's'} not packed yet")
    return ", ".join(parts)


# -- what needs somebody -------------------------------------------------------------------


def needs(standing: Standing) -> list[Said]:
    """What does not fit and stays until somebody does something about it, most urgent first."""
    names = {line.device: line.name for line in standing.devices}
    found: list[Said] = []
    for why, device, count in standing.waiting:
        whose = f" of {names[device]}" if device in names else ""
        tone = "warn" if why in (NO_DEVICE, NO_KEY, NEWER) else "danger"
        text = f"Not taken in: {packs(count)}{whose}: {_reason(why, count)}. {_THEN.get(why, '')}"
        found.append((text.strip(), tone))
    if standing.missing:
        found.append((f"Held back: other devices name {packs(standing.missing)} that nobody brought. Exchange over"
                      " another carrier, or ask who wrote them.", "warn"))  # fmt: skip
    if standing.aside:
        more = f" {ASIDE_FULL}" if standing.aside_full else ""
        found.append((f"Set aside: {standing.aside} damaged file{'' if standing.aside == 1 else 's'}. Whoever has the"
                      f" packs brings them again.{more}", "warn" if more else "dim"))  # fmt: skip
    return found


def _reason(why: str, count: int) -> str:
    """The words of one pack, for several."""
    words = WORDS[why]
    if count == 1:
        return f"it {words}"
    for one, many in (("is ", "are "), ("was ", "were "), ("needs ", "need "), ("belongs ", "belong ")):
        if words.startswith(one):
            return f"they {many}{words.removeprefix(one)}"
    return f"they {words}"


# -- what an exchange did ------------------------------------------------------------------


def trouble(moved: Moved) -> list[str]:
    """What a carrier did to the packs: rollback, damage."""
    lines = []
    if moved.gone:
        lines.append(f"The carrier lacks {packs(len(moved.gone))} it held before: it went back to an older state, or"
                     " lost them. Those this device has were brought again.")  # fmt: skip
    if moved.damaged:
        lines.append(f"Cut or damaged on the carrier: {packs(len(moved.damaged))}. They were set aside; a device that"
                     " has them brings them again.")  # fmt: skip
    return lines


def contradictions(faces: Faces, now_ms: int) -> list[str]:
    """What a carrier shows against what it was given: a step back, or another face for each device."""
    lines = []
    if faces.back:
        to = f" of {moment(faces.back_to_ms, now_ms)}" if faces.back_to_ms else ""
        lines.append(f"The carrier went back to an older state{to}: it shows less of {_whose(faces.back)} than before."
                     " Nothing here went back; what this device has was brought again.")  # fmt: skip
    if faces.two:
        lines.append(f"The carrier does not show this device what {_whose(faces.two)} brought there: it lost that, or"
                     " it shows each of you something else. Exchange over a stick or folder, and ask whoever runs it.")
    return lines


def _whose(items: Sequence[Less]) -> str:
    return listed(sorted({item.name for item in items}))


def about(moved: Moved) -> list[str]:
    """The same, and what a limit left for next time."""
    left = f"{packs(moved.left)} ({moved.left_bytes:,} bytes) remain for the next exchange."
    return [*trouble(moved), *([left] if moved.left else [])]


def alarms(report: Report, now_ms: int) -> list[str]:
    """What somebody should know of an exchange, and what is told once: besides it `needs` says what stays."""
    lines = [*contradictions(report.faces, now_ms), *trouble(report.moved)]
    if report.restored:
        lines.append("This copy was restored or copied: it goes on under a new lane. Nothing was lost by that.")
    if report.forks:
        lines.append("A device was restored from an older copy, or there are two of it. Both wrote; both were kept."
                     " Ask who uses it.")  # fmt: skip
    if report.rivals:
        lines.append(f"{report.rivals} rows that came bear the number of another one. Both were kept; tell your"
                     " administrator.")  # fmt: skip
    return lines


def sentences(report: Report, names: Mapping[bytes, str], now_ms: int) -> list[str]:
    """Everything an exchange did."""
    lines = [f"Received {packs(len(report.moved.received))}, sent {len(report.moved.sent)}.", *alarms(report, now_ms)]
    if report.moved.left:
        lines.append(about(report.moved)[-1])
    if report.missing:
        lines.append(f"{packs(report.missing)} are named by other devices and nobody brought them yet.")
    lines += attached(report.parts)
    return lines + [f"Not taken in: a pack {WORDS[item.why]}{_from(item, names)}." for item in report.waiting]


def attached(parts: MovedParts) -> list[str]:
    """What an exchange did with attachments, which follow behind everything else."""
    lines = []
    if parts.received or parts.sent:
        total = size(parts.received_bytes + parts.sent_bytes)
        lines.append(f"Attachments: {parts.received} parts received, {parts.sent} brought, {total}.")
    if parts.left:
        lines.append(f"Attachments: {size(parts.left_bytes)} remain for the next exchange.")
    if parts.absent:
        lines.append("Attachments that were asked for are not whole on this carrier yet: whoever has them brings them.")
    if parts.damaged:
        lines.append(f"{len(parts.damaged)} parts of attachments came damaged; whoever has them brings them again.")
    return lines


def done(carrier: str, report: Report) -> str:
    """One line for a whole exchange."""
    moved = report.moved
    left = f" {size(moved.left_bytes)} remain for the next exchange." if moved.left else ""
    left += "".join(f" {line}" for line in attached(report.parts))
    if not moved.received and not moved.sent:
        return f"{carrier}: nothing was moved.{left}" if left else f"{carrier}: nothing was new."
    return (f"{carrier}: {packs(len(moved.received))} received, {len(moved.sent)} brought,"
            f" {size(moved.total)}, {duration(report.seconds)}.{left}")  # fmt: skip


def _from(item: Waiting, names: Mapping[bytes, str]) -> str:
    return f" ({names[item.device]})" if item.device in names else ""


def listed(texts: Sequence[str]) -> str:
    """`a, b and c`."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""

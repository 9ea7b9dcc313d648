"""Labeled text: marks, segments, what counts as the same words. CR-5, CR-6."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.ids import show_id
from iop_tui.kernel.labeled import (
    REFUSED_FROM,
    WIDTH,
    Label,
    Segment,
    Speaker,
    of_speakers,
    overlap,
    relabeled,
    segments,
    shingles,
    words,
    written,
)

ID = show_id(bytes(range(16)))
PLAIN = st.text(st.characters(categories=("Ll", "Lu", "Zs", "Po")), min_size=1, max_size=60).filter(
    lambda text: bool(text.strip()) and text == text.strip() and "[" not in text
)


def test_cr6_a_mark_counts_up_to_the_next_one() -> None:
    found = segments("[J] Both.\nStill both.\n[A>] One side.\n  [B>] Other side.\n\n[O] Seen.")
    assert [(item.speaker, item.text) for item in found] == [
        (Speaker.JOINT, "Both.\nStill both."), (Speaker.A_JOINT, "One side."), (Speaker.B_JOINT, "Other side."),
        (Speaker.OBSERVATION, "Seen."),
    ]  # fmt: skip


def test_text_before_the_first_mark_belongs_to_nobody() -> None:
    assert segments("Nobody said it.\n[J] Both.")[0] == Segment(None, "Nobody said it.")
    assert segments("") == ()
    assert segments("a [J] in the middle is no mark") == (Segment(None, "a [J] in the middle is no mark"),)


def test_an_authorization_stands_in_the_mark() -> None:
    (item,) = segments(f"[A alone xc:{ID}] By leave.")
    assert (item.speaker, item.authorization) == (Speaker.A_ALONE, ID)
    assert segments("[A alone xc:short] no id")[0].speaker is None
    pasted = relabeled("[B>] Said\n[J] twice", Speaker.B_ALONE, ID)
    assert pasted == f"[B alone xc:{ID}] Said twice"


@given(st.lists(st.tuples(st.sampled_from(list(Speaker)), PLAIN), min_size=1, max_size=6))
def test_what_is_written_reads_back(parts: list[tuple[Speaker, str]]) -> None:
    items = tuple(Segment(speaker, text) for speaker, text in parts)
    assert segments(written(items)) == items
    for speaker in Speaker:
        kept = segments(of_speakers(written(items), (speaker,)))
        assert kept == tuple(item for item in items if item.speaker is speaker)


def test_overlap_counts_words_in_runs_of_five() -> None:
    known = shingles("one two three four five six seven eight nine ten")
    assert overlap("One, TWO three\nfour five.", known) == WIDTH
    assert overlap("one two three four", known) == 0
    assert overlap("x one two three four five six seven eight y", known) == REFUSED_FROM
    assert overlap("one two three four x five six seven eight", known) == 0
    assert overlap("one two three four five x six seven eight nine ten", known) == 10  # two runs are one copy
    assert overlap("[A>] one two three [J] four five", shingles("one two three [J] four five")) >= 0


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.lists(st.sampled_from("abcdefgh"), max_size=30))
def test_a_text_overlaps_itself_and_never_more_than_its_words(one: list[str], other: list[str]) -> None:
    text, known = " ".join(one), " ".join(other)
    assert overlap(text, shingles(known)) <= len(words(text))
    if len(one) >= WIDTH:
        assert overlap(text, shingles(f"before {text} after")) == len(one)


def test_labels_read_in_plain_words() -> None:
    assert Label("IND", b"", b"", "client in session", "A alone").shown() == "client in session, A alone"
    assert Label("DIR", b"", b"").shown() == "unlabeled"

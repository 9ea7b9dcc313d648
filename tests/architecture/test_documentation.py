"""README, manual and program agree."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from iop_tui.cli import build_parser
from tests.architecture.tree import ROOT, place

_PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")
_STOP = {"|", ">", "<", "&&", ";", "3<", "#"}


def _shown_commands(page: Path) -> Iterator[list[str]]:
    text = page.read_text("utf-8")
    blocks = [line for block in _FENCE.findall(text) for line in block.splitlines()]
    for shown in blocks + _INLINE.findall(_FENCE.sub("", text)):
        words = shown.split("#")[0].removeprefix("$ ").split(" ", 1)
        if words[0].rpartition("/")[2] == "iop-tui":
            yield _until_stop(shlex.split(words[1])) if len(words) > 1 else []


def _until_stop(words: list[str]) -> list[str]:
    for position, word in enumerate(words):
        if word in _STOP:
            return words[:position]
    return words


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> set[str]:
    return {text for action in parser._actions for text in action.option_strings}


def _problem(words: list[str]) -> str:
    parser, known, is_first = build_parser(), set[str](), True
    known |= _options(parser)
    for word in words:
        if word.startswith("-"):
            if word.partition("=")[0] not in known:
                return f"no option {word}"
        elif word in _choices(parser):
            parser, is_first = _choices(parser)[word], False
            known |= _options(parser)
        elif is_first and word.islower():
            return f"no command {word}"
    return ""


def test_every_command_shown_exists() -> None:
    found = [
        f"{place(page)}: iop-tui {' '.join(words)}: {problem}"
        for page in _PAGES
        for words in _shown_commands(page)
        if (problem := _problem(words))
    ]
    assert not found, "\n".join(found)


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert not [name for name in _choices(build_parser()) if f"`iop-tui {name}" not in text]


def test_every_option_says_what_it_is_for() -> None:
    def silent(parser: argparse.ArgumentParser) -> Iterator[str]:
        yield from (f"{parser.prog} {one.option_strings[0]}" for one in parser._actions
                    if one.option_strings and not one.help)  # fmt: skip
        for each in _choices(parser).values():
            yield from silent(each)

    assert not list(silent(build_parser()))


def test_readme_is_short_and_has_what_a_newcomer_needs() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    for needed in ("bash .ci/demo", "bash .ci/test", "iop-tui init", "vault.head", "LICENSE"):
        assert needed in text


def test_links_lead_somewhere() -> None:
    broken = []
    for page in _PAGES:
        for target, anchor in _LINK.findall(page.read_text("utf-8")):
            path = (page.parent / target) if target else page
            if not path.exists() or (anchor and anchor not in _anchors(path)):
                broken.append(f"{place(page)}: {target}#{anchor}")
    assert not broken


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_scripts_named_in_the_documentation_exist() -> None:
    for page in _PAGES:
        for script in re.findall(r"bash (\.ci/\w+)", page.read_text("utf-8")):
            assert (ROOT / script).is_file(), script


def test_changelog_has_a_place_for_what_comes_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "\n## [Unreleased]\n" in text
    assert "keepachangelog" in text
    for title in re.findall(r"^## (.*)$", text, re.MULTILINE):
        assert title == "[Unreleased]" or re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", title), title

"""What no file of this repository may hold. Patterns are spelled so that this file does not match itself."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.tree import ROOT, files, parse, place, sources, texts

_TOP_LEVEL = {
    "iop_tui", "migrations", "tests", "docs", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md",
}  # fmt: skip

_FORBIDDEN = {
    "unfinished work": r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|NotImplemented[E]rror",
    "a package registry or its mirror": (
        r"py[p]i\.org|python[h]osted|[n]pmjs|crates[.]io|anaconda[.]org|docker[.]io|gh[c]r\.io|proxy\.go[l]ang|index-ur[l]=\S"
    ),
    "a path of one machine": r"(?<![\w.~-])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+|opt/[p]ypi)/|\.\./share[d]\b",
    "a page that is not in the repository": (
        r"\b(?:architectur[e]|interfac[e]|clinica[l]|securit[y]|tu[i]|syn[c]|instruments-and-fhi[r])\.md\b"
    ),
    "a secret": (
        r"-----BEGIN [A-Z ]*PRIVATE KE[Y]|AKI[A][0-9A-Z]{16}|gh[pous]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{10}"
    ),
    "a conflict marker": r"^(?:<{7} |>{7} |={7}$)",
}

# Third-party text kept verbatim.
_VERBATIM = ("tests/vectors/", "LICENSE", "iop_tui/data/")


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(_FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in texts()
        if not name.startswith(_VERBATIM)
        for match in pattern.finditer(text)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)


def test_top_level() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {name for name in names if not name.startswith(".")} <= _TOP_LEVEL


def test_no_large_or_runnable_leftovers() -> None:
    assert not [place(path) for path in files() if path.stat().st_size > 2_000_000]
    assert not [place(path) for path in files() if path.suffix in {".orig", ".rej", ".swp", ".bak", ".log"}]


def test_files_end_with_one_newline_and_use_unix_lines() -> None:
    ours = [(name, text) for name, text in texts() if text and not name.startswith(_VERBATIM)]
    assert not [name for name, text in ours if not text.endswith("\n") or text.endswith("\n\n") or "\r" in text]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in kinds)


def test_broad_handlers_give_their_reason_on_the_line() -> None:
    found = []
    for path in sources("iop_tui", "tests"):
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                header = lines[node.lineno - 1 : max(node.lineno, node.body[0].lineno - 1)]
                comment = " ".join(line.partition("#")[2].strip() for line in header).strip()
                if len(comment) < 15 or (comment.startswith("noqa") and " - " not in comment):
                    found.append(place(path, node.lineno))
    assert not found, "\n".join(found)


def test_no_assert_guards_the_program() -> None:
    """`python -O` removes them."""
    found = [
        place(path, node.lineno)
        for path in sources("iop_tui")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Assert)
    ]
    assert not found


def _literal_failure(node: ast.Raise) -> bool:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return getattr(raised, "id", "") in {"Exception", "BaseException", "RuntimeError"}


def test_failures_are_typed() -> None:
    found = [
        place(path, node.lineno)
        for path in sources("iop_tui")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Raise) and _literal_failure(node)
    ]
    assert not found

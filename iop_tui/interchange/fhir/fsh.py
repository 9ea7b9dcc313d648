"""Build time only: published sensitivity lists (FSH text) to the JSON table the program ships.

    python -m iop_tui.interchange.fhir.fsh CURATED.fsh MODULES.fsh > iop_tui/data/sensitivity/ds4p.json

Two kinds of list come in. The curated one is made by people, code by code, and is taken whole. The module
lists hold every code that occurs in one simulation module, the wisdom-tooth extraction on the way to an
opioid included. From those a code counts only when

* the module's topic is not one that decides a compartment (substance use, violence): for these the curated
  list is the authority, because a code in a module proves nothing about the person;
* no module of another topic uses it too; and
* it is no way of being seen (encounter, admission, visit, consultation, follow-up, referral, record).

The self-harm module is filed under SDV (sexual and domestic violence) at the source, and under behavioural
health by the list that groups it; here it counts as PSY: a therapist must see a suicide attempt.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

_INSTANCE = re.compile(r"^Instance: (\S+)", re.MULTILINE)
_SYSTEM = re.compile(r'^\* compose\.include\[\+\]\.system = "([^"]+)"')
_CONCEPT = re.compile(r"^\* compose\.include\[=\]\.concept\[\+\]\.code = #(\S+)\s*(?://\s*\"([^\"]*)\")?")
_TOPIC = re.compile(r"^\* useContext\[=\]\.valueCodeableConcept = \S*#(\w+)")
_EXTRA_TOPIC = re.compile(r"^Identified as: ExtraSensitiveCodes#(\w+)")
_WAY_OF_BEING_SEEN = re.compile(
    r"encounter|admission|visit|consultation|follow-up|referral|record artifact", re.IGNORECASE,
)
_DECIDES_COMPARTMENT = {"SUD", "ETH", "ETHUD", "OPIOIDUD", "SDV"}
_MISFILED = {"SyntheaSelfHarmVS": {"PSY"}}

Code = tuple[str, str]


class CodeList:
    """One value set: its topics, and its codes with the comment beside each."""

    def __init__(self, name: str, body: str) -> None:
        self.name = name
        self.topics: set[str] = set()
        self.codes: dict[Code, str] = {}
        system = ""
        for line in body.splitlines():
            if found := _SYSTEM.match(line):
                system = found.group(1)
            elif found := _CONCEPT.match(line):
                self.codes[system, found.group(1)] = found.group(2) or ""
            elif found := _TOPIC.match(line) or _EXTRA_TOPIC.match(line):
                self.topics.add(found.group(1))
        self.topics = _MISFILED.get(name, self.topics)


def read_lists(text: str) -> list[CodeList]:
    """The value sets of one FSH file."""
    starts = list(_INSTANCE.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    found = [CodeList(start.group(1), text[start.end() : end]) for start, end in zip(starts, ends, strict=True)]
    return [each for each in found if each.codes]


def _counts(each: CodeList, code: Code, comment: str, used_by: dict[Code, set[str]]) -> bool:
    if each.topics & _DECIDES_COMPARTMENT or _WAY_OF_BEING_SEEN.search(comment):
        return False
    return len(used_by[code]) == 1


def convert(curated: str, modules: str) -> dict[str, list[str]]:
    """`system|code` to its topics, sorted, by the rules in the module's text. CPT: code numbers only."""
    table: dict[str, set[str]] = defaultdict(set)
    for each in read_lists(curated):
        for system, number in each.codes:
            table[f"{system}|{number}"] |= each.topics
    lists = read_lists(modules)
    used_by: dict[Code, set[str]] = defaultdict(set)
    for each in lists:
        for code in each.codes:
            used_by[code] |= {"+".join(sorted(each.topics))}
    for each in lists:
        for code, comment in each.codes.items():
            if _counts(each, code, comment, used_by):
                table["|".join(code)] |= each.topics
    return {key: sorted(topics) for key, topics in sorted(table.items())}


def main(arguments: list[str]) -> None:
    """Print the table for two files named on the command line."""
    curated, modules = (Path(name).read_text(encoding="utf-8") for name in arguments)
    lines = (f" {json.dumps(key)}: {json.dumps(topics)}" for key, topics in convert(curated, modules).items())
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])

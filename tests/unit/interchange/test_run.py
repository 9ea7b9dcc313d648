"""A run through the reading process: what the importing service sees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from iop_tui.interchange.fhir.run import expand, read_run
from iop_tui.interchange.items import Mapped, Progress
from tests.support.clinic.fhir import SYNTHEA, VECTORS, bundle, patient


def _read(*paths: Path) -> list[Mapped]:
    with read_run(paths) as run:
        return list(run)


def test_the_same_files_give_the_same_fingerprints() -> None:
    trey = next(SYNTHEA.glob("Trey*"))
    first, second = _read(trey), _read(trey)
    assert [each.fingerprint_parts for each in first] == [each.fingerprint_parts for each in second]
    assert len({each.fingerprint_parts for each in first}) == len(first)


def test_white_space_and_order_do_not_count_but_content_does(tmp_path: Path) -> None:
    who = patient(gender="female")
    texts = [json.dumps(bundle(who)), json.dumps(bundle(dict(reversed(who.items()))), indent=3),
             json.dumps(bundle(who | {"gender": "male"}))]  # fmt: skip
    items = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        items += _read(path)
    assert items[0].fingerprint_parts == items[1].fingerprint_parts != items[2].fingerprint_parts
    assert items[0].identity == items[2].identity


def test_progress_is_told_and_ends_at_the_total() -> None:
    told: list[Progress] = []
    with read_run([VECTORS / "bulk"], progress=told.append) as run:
        items = list(run)
    assert {each.stage for each in told} == {"checking", "mapping"}
    assert all(0 <= each.done_bytes <= each.total_bytes for each in told)
    assert run.kept == sum(each.kept for each in items)
    assert run.flagged == sum(bool(each.flags) for each in items)
    assert sum(each.resources for each in run.files) == len(items)


def test_folders_are_walked_in_order_without_links(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.json", "1.ndjson.gz", "README.md", ".hidden.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link.json").symlink_to(tmp_path / "1.ndjson.gz")
    files, ignored = expand([tmp_path])
    assert [each.relative_to(tmp_path).as_posix() for each in files] == ["1.ndjson.gz", "b/2.json"]
    assert [Path(each.file).name for each in ignored] == ["README.md"]


def test_a_control_character_in_a_file_name_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m.json"
    path.write_text("x")
    with read_run([path]) as run:
        list(run)
    assert "\x1b" not in run.rejected[0].file


@pytest.mark.nightly
def test_two_thousand_people_in_one_folder(tmp_path: Path) -> None:
    source = next(SYNTHEA.glob("Chet*"))
    for number in range(200):
        shutil.copy(source, tmp_path / f"{number}.json")
    with read_run([tmp_path]) as run:
        assert sum(1 for _ in run) == 200 * 117

"""Files of several formats in one run, through the process without keys."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from iop_tui.interchange.fhir.run import read_run
from iop_tui.interchange.moving.options import Options
from tests.support.clinic.fhir import bundle, patient
from tests.unit.interchange.moving.test_ccda import BOMB

VECTORS = Path(__file__).parents[3] / "vectors"


def test_what_the_bytes_look_like_decides(tmp_path: Path) -> None:
    import json

    (tmp_path / "a.json").write_text(json.dumps(bundle(patient())))
    (tmp_path / "b.xml").write_bytes(next((VECTORS / "ccda").glob("Documents__CCD*")).read_bytes())
    (tmp_path / "c.vcf").write_bytes((VECTORS / "vcard" / "vcard40_full.vcf").read_bytes())
    (tmp_path / "d.csv").write_text("Name\nAna Quill\n")
    (tmp_path / "e.csv").write_text(json.dumps(patient("q")))
    (tmp_path / "f.ics").write_text("BEGIN:VCALENDAR\n")
    with read_run([tmp_path, tmp_path / "f.ics"], options=Options(pick=("problems",))) as run:
        people = [item.source_type for item in run if item.kind == "person"]
    assert people == ["Patient", "Patient", "C-CDA", "vCard", "client list"]
    assert [(Path(each.file).name, "calendar" in each.reason) for each in run.rejected] == [("f.ics", True)]
    assert run.columns[0].fields == {"Name": "name"}
    assert {each.form for each in run.files} == {"bundle", "resource", "ccda", "vcard", "csv"}


def test_one_damaged_file_leaves_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(BOMB)
    (tmp_path / "b.csv").write_text("Shoe\n39\n")
    (tmp_path / "c.vcf").write_text("BEGIN:VCARD\nFN:x\n")
    (tmp_path / "d.csv").write_text("Name\nAna Quill\n")
    with read_run([tmp_path]) as run:
        assert [item.kind for item in run] == ["person"]
    assert [Path(each.file).name for each in run.rejected] == ["a.xml", "b.csv", "c.vcf"]


@pytest.mark.parametrize("name", ["bomb.xml", "many.xml"])
def test_within_two_seconds_and_300_mib(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BOMB if name == "bomb.xml" else b"<ClinicalDocument>" + b"<a b='c'>d</a>" * 1_000_000)
    program = (
        "import resource, sys\n"
        "from iop_tui.interchange.fhir.run import read_run\n"
        "with read_run(sys.argv[1:]) as run: items = list(run)\n"
        "assert not items and len(run.rejected) == 1\n"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "print(max(each.ru_maxrss for each in used), sum(each.ru_utime + each.ru_stime for each in used))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    memory, seconds = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    # A fork's peak is inherited from the test process itself, so that is the least a child can report.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    assert int(memory) * unit <= max(300 << 20, inherited)
    assert float(seconds) < 2.0  # processor time: wall time would measure the neighbours

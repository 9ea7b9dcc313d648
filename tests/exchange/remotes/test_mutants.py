"""Each rule about links and servers has a mutant that dies: with the rule taken out, a test that names it fails."""

from __future__ import annotations

import inspect
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from iop_tui.exchange import engine, witness
from iop_tui.exchange import mirror as mirroring
from iop_tui.exchange.remotes import bundle, gate, objects, parts
from iop_tui.exchange.remotes import patient as patience
from iop_tui.exchange.remotes.apart import carrier as apart
from iop_tui.exchange.remotes.failures import Unable
from iop_tui.exchange.witness import Faces
from iop_tui.kernel.errors import IopError, MediumUnusable
from iop_tui.workspace import joining, links
from tests.exchange import test_limits as limits
from tests.exchange import test_lying
from tests.exchange.remotes import test_apart as aparts
from tests.exchange.remotes import test_contract as contract
from tests.exchange.remotes import test_failures as failing
from tests.exchange.remotes import test_joining as joins
from tests.exchange.remotes import test_patient as patient
from tests.exchange.remotes import test_witness as witnessing
from tests.exchange.remotes.test_joining import newcomer  # noqa: F401
from tests.exchange.remotes.test_witness import mirror  # noqa: F401
from tests.exchange.test_lying import two  # noqa: F401
from tests.exchange.world import lying

Patch = tuple[object, str, object]


def _less_or_unread(heads: Any, name: str, device: bytes, lane: bytes, given: int, real: Any = witness._less) -> Any:
    if heads.get(lane, 0) is None:
        return witness.Less(name, device, lane, -1, given)
    return real(heads, name, device, lane, given)


def _anywhere(self: Any, client: socket.socket) -> socket.socket | None:
    request = gate._head(client).split(b" ")
    host, _, port = request[1].decode().rpartition(":")
    return gate._connected(host, int(port), 5.0)


def _whole_alone(self: Any, name: str) -> bytes | None:
    found: bytes | None = self._asked("get", lambda: self._remote.get(name))
    return found


def _claimed(*given: Any, real: Any = witness.note_visit, **named: Any) -> None:
    real(*given, **{**named, "whole": True})


def _unheard_of(place: str, real: Any = witness.identity) -> bytes:
    return real(place) or b"a folder"


def _any_plan(data: bytes) -> parts.Plan:
    return parts.Plan(int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big"))


def _forgotten_error(failed: Any) -> IopError:
    return Unable(failed.message, failed.hint)


def _patiently(self: Any, longest: float) -> None:
    if not select.select([self._channel], [], [], 5.0)[0]:
        raise Unable("It never came back.")


def an_older_state(two: Any) -> None:  # noqa: F811
    """A server that goes back."""
    test_lying.test_a_server_that_lies_is_named_and_nothing_is_lost(two, lying.put_back_to_an_older_state)


def a_link_that_is_down() -> None:
    """One over which nothing was ever answered."""
    patient.test_a_link_that_is_down_ends_in_plain_words_after_bounded_tries(answered=False, tries=3)


def another_port(authority: Any, tmp_path: Any) -> None:
    """A redirect to another port of the host."""
    failing.test_a_redirect_to_another_port_of_the_host_is_refused("webdav", authority, tmp_path)


def an_absurd_table(tmp_path: Any) -> None:
    """A file that announces a table of four gigabytes."""
    limits.test_a_file_that_announces_an_absurd_table(tmp_path, 40 << 20)


MUTANTS: dict[str, tuple[list[Patch], Callable[..., None]]] = {
    # what carriers show
    "a step back is not told": (
        [(witness, "_less", lambda *_: None)],
        witnessing.test_a_step_back_is_told_once_and_a_head_that_cannot_be_read_says_nothing,
    ),
    "a step back is told for ever": (
        [(witness, "learn", lambda *_: None)],
        witnessing.test_a_step_back_is_told_once_and_a_head_that_cannot_be_read_says_nothing,
    ),
    "a head that cannot be read counts as gone": (
        [(witness, "_less", _less_or_unread)],
        witnessing.test_a_step_back_is_told_once_and_a_head_that_cannot_be_read_says_nothing,
    ),
    "what devices say they brought is not remembered": (
        [(witness, "_raise", lambda *_: None)],
        witnessing.test_what_a_device_says_it_brought_is_expected_until_it_is_there,
    ),
    "a visit counts that brought a part": (
        [(witness, "note_visit", _claimed)],
        witnessing.test_a_head_names_at_most_six_carriers_and_none_that_is_here,
    ),
    "a head names every carrier it ever met": (
        [(witness, "_MOST_VISITS", 99)], witnessing.test_a_head_names_at_most_six_carriers_and_none_that_is_here,
    ),
    "a folder has an identity": (
        [(witness, "identity", _unheard_of)],
        witnessing.test_a_head_names_at_most_six_carriers_and_none_that_is_here,
    ),
    "a contradiction is told before the head is asked again": (
        [(witness, "confirmed", lambda reader, remote, here, place, heads: dict(heads))],
        witnessing.test_a_contradiction_is_told_only_after_the_head_was_asked_again,
    ),
    "nobody compares what a carrier shows": ([(engine, "look_at", lambda *_: Faces())], an_older_state),
    # links
    "what no try cures is tried again": (
        [(patience, "CarrierGone", MediumUnusable)], patient.test_what_another_try_does_not_cure_is_not_tried_again,
    ),
    "who is offline waits like others": ([(patience, "_FIRST_TRIES", patience.TRIES)], a_link_that_is_down),
    "nobody waits between two tries": ([(patience.Waits, "back_off", lambda *_: None)], a_link_that_is_down),
    "everybody waits equally long": (
        [(patience.Waits, "back_off", lambda self, failures: self.pause(min(30.0, 0.5 * 2**failures)))],
        patient.test_back_off_grows_and_differs_between_devices,
    ),
    "a stop is not heeded": (
        [(patience.Waits, "check", lambda *_: None)], patient.test_a_stop_ends_it_between_two_tries_and_within_a_wait,
    ),
    "what came of a download is thrown away": (
        [(patience.Patient, "_fetched", _whole_alone)],
        patient.test_what_came_is_kept_for_the_next_exchange_and_only_the_rest_is_asked_for,
    ),
    "the hash does not decide over what was put together": (
        [(patience, "promised", lambda *_: None)],
        patient.test_half_a_file_is_asked_for_once_more_and_then_handed_on_as_it_is,
    ),
    "what was sent is not read back": (
        [(patience.Patient, "_check", lambda *_: None)], patient.test_what_was_sent_without_proof_is_read_back,
    ),
    "large objects go whole over any link": (
        [(parts, "suits", lambda *_: False)], patient.test_an_upload_in_parts_goes_on_behind_the_parts_that_are_there,
    ),
    "an upload begins anew at every exchange": (
        [(parts.Begun, "done", lambda *_: 0)],
        patient.test_an_upload_in_parts_goes_on_behind_the_parts_that_are_there,
    ),
    "how far an upload is counts for every carrier": (
        [(parts, "Begun", lambda drawer, name, real=parts.Begun: real(drawer, "up"))],
        patient.test_how_far_an_upload_is_counts_for_one_carrier_alone,
    ),
    "a plan may promise anything": (
        [(parts.Plan, "read", staticmethod(_any_plan))],
        partial(patient.test_no_plan_promises_more_than_an_object_may_have, parts.Plan(2**32 - 1, 2**16)),
    ),
    "joining ends with the first link that is lost": (
        [(joining, "_fetch", lambda here, remote, env, budget, wait, real=joining._fetch:
          real(here, remote, env, budget, 0.0))],
        joins.test_a_link_that_is_lost_is_waited_for,
    ),
    "what came for a device that joins is thrown away": (
        [(joining, "_coming", lambda path, grant, env: mirroring.Mirror(
            joining.staging_beside(path), grant.realm, env.rng))],
        joins.test_what_came_before_the_link_was_lost_is_there_at_the_next_try,
    ),
    "what came of another program is used": (
        [(mirroring.Mirror, "_claim", lambda *_: None)],
        joins.test_what_came_of_another_program_is_not_used,
    ),
    # servers
    "a redirect leads to another port": ([(gate.Gate, "_opened", _anywhere)], another_port),
    "any program of this computer may use the gate": (
        [(gate.Gate, "_opened", _anywhere)], failing.test_the_gate_opens_to_its_own_carrier_alone,
    ),
    "what an earlier session left is not remembered": (
        [(links.Traces, "keep", lambda *_: None)],
        contract.test_what_an_earlier_session_left_behind_is_deleted_and_nothing_of_others,
    ),
    "failures of the process beside are all one": (
        [(apart, "_failure", _forgotten_error)], aparts.test_every_failure_crosses_as_itself,
    ),
    "a stop waits for the server": (
        [(apart.ApartRemote, "_wait", _patiently)],
        aparts.test_a_stop_is_heeded_while_a_server_says_nothing,
    ),
    "notes are read however many they are": (
        [(objects, "_NOTES", 10**9)], failing.test_of_many_notes_some_are_read,
    ),
    # disks
    "what carriers bring damaged is kept without limit": (
        [(mirroring.Mirror, "room_aside", lambda *_: True)],
        limits.test_what_carriers_bring_damaged_does_not_fill_the_disk,
    ),
    "downloads wait for ever": (
        [(mirroring.Mirror, "_thin_parts", lambda *_: None)],
        limits.test_downloads_that_nobody_went_on_with_do_not_fill_the_disk,
    ),
    "a file's table may have any size": ([(bundle, "_LONGEST_TABLE", 1 << 40)], an_absurd_table),
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_die(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    patches, test = MUTANTS[name]
    given = {argument: request.getfixturevalue(argument) for argument in inspect.signature(test).parameters}
    for target, attribute, value in patches:
        monkeypatch.setattr(target, attribute, value)
    with pytest.raises((AssertionError, IopError, OSError, pytest.fail.Exception)):
        test(**given)


@pytest.mark.nightly
@pytest.mark.parametrize("test", dict.fromkeys(test for _, test in MUTANTS.values()))
def test_their_tests_live_without_them(test: Callable[..., None], request: pytest.FixtureRequest) -> None:
    """What dies in a mutant dies of it."""
    test(**{argument: request.getfixturevalue(argument) for argument in inspect.signature(test).parameters})

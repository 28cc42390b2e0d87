"""The laptop's identity on disk: whole, private, and never guessed."""

import dataclasses
import stat
import sys
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.policy import DaySpent, Policy
from fieldsurvey.sync.profile import MOST_ANCHORS, ClockAnchor, Enrolment, Outcome, Profile
from fieldsurvey.wire import whole_file
from fieldsurvey.wire.keys import public_key_text
from tests.support.sync_hq import SimulatedHq


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "data" / "hq")


def enrol(profile: Profile, hq: SimulatedHq | None = None, **changes: object) -> Enrolment:
    key = profile.make_key()
    enrolment = (hq or SimulatedHq()).enrolment(key.public_key())
    enrolment = dataclasses.replace(enrolment, **changes)  # type: ignore[arg-type]
    profile.enrol(enrolment, 1_000)
    return enrolment


def id_of(profile: Profile) -> str:
    with pytest.raises(KnownError) as caught:
        profile.enrolled()
    assert not str(caught.value).startswith("[")
    return caught.value.message.id


def test_the_key_is_made_once_and_is_nobody_elses_to_read(profile: Profile) -> None:
    key = profile.make_key()
    again = Profile(profile.path).make_key()
    assert again.private_bytes_raw() == key.private_bytes_raw()
    if sys.platform != "win32":
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in profile.path.iterdir()}
        assert modes == {"device_key": 0o600}


def test_what_was_enrolled_is_read_back_and_private(profile: Profile) -> None:
    enrolment = enrol(profile, policy=Policy.UNMETERED, ca_pem="-----BEGIN")
    found, key = Profile(profile.path).enrolled()
    assert found == enrolment
    assert public_key_text(key.public_key()) == enrolment.public_key
    if sys.platform != "win32":
        assert stat.S_IMODE((profile.path / "hq.json").stat().st_mode) == 0o600


def test_nothing_there_is_not_enrolled(profile: Profile) -> None:
    assert id_of(profile) == "sync.not_enrolled"
    profile.make_key()
    assert id_of(profile) == "sync.not_enrolled"


def test_a_damaged_profile_is_left_as_it_is(profile: Profile) -> None:
    enrol(profile)
    for name in ("device_key", "hq.json"):
        path = profile.path / name
        whole = path.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"\xff" + whole[1:]):
            path.write_bytes(damaged)
            assert id_of(profile) == "sync.profile_damaged"
            assert path.read_bytes() == damaged
        path.unlink()
        assert id_of(profile) in ("sync.profile_damaged", "sync.not_enrolled")
        path.write_bytes(whole)
    profile.enrolled()


def test_another_key_than_the_enrolled_one_is_noticed(profile: Profile, tmp_path: Path) -> None:
    enrol(profile)
    other = Profile(tmp_path / "other")
    other.make_key()
    (other.path / "device_key").replace(profile.path / "device_key")
    assert id_of(profile) == "sync.profile_damaged"


def test_enrolling_again_keeps_the_settings(profile: Profile) -> None:
    hq = SimulatedHq()
    enrol(profile, hq, policy=Policy.OFF, budget_bytes_per_day=5)
    profile.keep_checkpoint("a note")
    enrol(profile, hq, token="new")
    found, _ = profile.enrolled()
    assert (found.token, found.policy, found.budget_bytes_per_day) == ("new", Policy.OFF, 5)
    assert profile.checkpoint_note() == "a note"


def test_what_was_known_of_another_hq_is_put_aside(profile: Profile) -> None:
    enrol(profile)
    profile.keep_checkpoint("a note")
    profile.keep_evidence("one", "two", "why")
    assert profile.log_broken()
    enrol(profile)
    assert profile.checkpoint_note() is None
    assert not profile.log_broken()
    aside = {path.name for path in profile.path.iterdir() if "before" in path.name}
    assert aside == {f"{name}.before-1000" for name in ("hq.json", "checkpoint.note", "log_broken")}


def test_memory_survives_and_damage_to_it_stops_nothing(profile: Profile) -> None:
    spent, outcome = DaySpent("2026-11-24", 5), Outcome(7, '{"id":"x","args":{}}')
    assert profile.spent() == DaySpent("", 0)
    assert profile.outcome() == Outcome()
    profile.keep_spent(spent)
    profile.keep_outcome(outcome)
    anchors = [ClockAnchor(n, n, n, 1) for n in range(MOST_ANCHORS + 3)]
    for anchor in anchors[:3]:
        profile.add_clock_anchor(anchor)
    assert profile.clock_anchors() == anchors[:3]
    assert (profile.spent(), profile.outcome()) == (spent, outcome)
    for name in ("spent.json", "last_sync.json", "clock_anchors.json"):
        (profile.path / name).write_bytes(b"{")
    assert (profile.spent(), profile.outcome()) == (DaySpent("", 0), Outcome())
    profile.add_clock_anchor(anchors[0])
    assert profile.clock_anchors() == anchors[:1]


def test_a_crash_while_writing_leaves_the_old_file(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile.keep_checkpoint("old")

    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_file.os, "fsync", broken)
    with pytest.raises(KnownError) as caught:
        profile.keep_checkpoint("new")
    assert caught.value.message.id == "sync.profile_unwritable"
    assert profile.checkpoint_note() == "old"
    assert [path.name for path in profile.path.iterdir()] == ["checkpoint.note"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KnownError) as caught:
        Profile(tmp_path / "file" / "hq").make_key()
    assert caught.value.message.id in ("sync.profile_unwritable", "sync.profile_unreadable")

"""One thing broken on purpose at a time: what is told, what is kept, how it goes on."""

import itertools
import os
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.drive.snapshot import DriveSnapshot, Health, StripKind
from fieldsurvey.model.drive import DriveState, EventKind, Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.drive_faults import (
    SPEED,
    JumpingClock,
    config_for,
    driving,
    kinds,
    notices,
    stored,
    wait_for,
)
from tests.support.headless import findings
from tests.support.position import a_drive, pty_receiver
from tests.support.store_mounts import read_only, tiny_disk

HOUR_US = 3_600_000_000


def assert_every_second(samples: list[Sample]) -> None:
    steps = [later.mono_us - sooner.mono_us for sooner, later in itertools.pairwise(samples)]
    assert set(steps) == {1_000_000}


def storage_advice(now: DriveSnapshot) -> str | None:
    advice = now.strip[StripKind.STORAGE].advice
    return advice.id if advice else None


def test_disk_full(tmp_path: Path, replay: str, server_url: str) -> None:
    with tiny_disk(tmp_path / "disk", 2048) as disk:
        path = disk / "a.fsurvey"
        with driving(config_for(path, replay, server_url)) as control:
            wait_for(control, lambda now: now.counts.samples >= 5)
            ballast = disk / "ballast"
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(bytes(4_000_000))
            full = wait_for(control, lambda now: storage_advice(now) == "store.disk_full")
            assert full.strip[StripKind.STORAGE].health is Health.FAILED
            shown = full.counts.samples
            time.sleep(1.0)
            assert control.snapshot().state is DriveState.DRIVING
            ballast.unlink()
            back = wait_for(
                control,
                lambda now: (
                    now.counts.samples > shown + 10 and storage_advice(now) != "store.disk_full"
                ),
            )
            assert "drive.storage_back" in notices(back)
        samples, events, _ = stored(path)
        assert findings(path) == []
    assert_every_second(samples)
    assert {EventKind.STORAGE_TROUBLE, EventKind.STORAGE_BACK} <= set(kinds(events))


def test_disk_still_full_at_the_end(tmp_path: Path, replay: str, server_url: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    with tiny_disk(tmp_path / "disk", 2048) as disk:
        path = disk / "a.fsurvey"
        config = config_for(path, replay, server_url, fallback_folder=elsewhere)
        with driving(config) as control:
            wait_for(control, lambda now: now.counts.samples >= 5)
            with pytest.raises(OSError, match="No space"):
                (disk / "ballast").write_bytes(bytes(4_000_000))
            wait_for(control, lambda now: storage_advice(now) == "store.disk_full")
            time.sleep(0.5)
        assert "drive.rescued" in notices(control.snapshot())
        kept = stored(path)[0]
    rescued = stored(elsewhere / "a-rescued.fsurvey")[0]
    assert_every_second([*kept, *rescued])
    assert len(rescued) >= 3


def test_read_only_folder(tmp_path: Path, replay: str, server_url: str) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    with read_only(locked):
        config = config_for(
            locked / "a.fsurvey", replay, server_url, fallback_folder=tmp_path / "home"
        )
        with driving(config) as control:
            snapshot = wait_for(control, lambda now: now.counts.samples >= 3)
    assert {"store.read_only", "drive.fallback_folder"} <= set(notices(snapshot))
    assert Path(snapshot.survey_path) == tmp_path / "home" / "a.fsurvey"
    assert list(locked.iterdir()) == []


def test_read_only_folder_and_nowhere_else(tmp_path: Path, replay: str, server_url: str) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    config = config_for(locked / "a.fsurvey", replay, server_url)
    with read_only(locked), pytest.raises(KnownError) as caught, driving(config):
        pytest.fail("recorded into a read-only folder")
    assert caught.value.message.id == "store.read_only"


def test_clock_set_back_an_hour(tmp_path: Path, replay: str, server_url: str) -> None:
    clock = JumpingClock(SPEED)
    path = tmp_path / "a.fsurvey"
    with driving(config_for(path, replay, server_url, clock=clock)) as control:
        wait_for(control, lambda now: now.counts.samples >= 10)
        clock.jump_us = -HOUR_US
        snapshot = wait_for(control, lambda now: now.counts.samples >= 30)
    samples, events, _ = stored(path)
    assert findings(path) == []
    assert "drive.clock_jump" in notices(snapshot)
    assert kinds(events).count(EventKind.CLOCK_JUMP) == 1
    assert_every_second(samples)
    steps_us = [later.utc_us - sooner.utc_us for sooner, later in itertools.pairwise(samples)]
    assert sum(step < -HOUR_US / 2 for step in steps_us) == 1


def test_receiver_unplugged_and_plugged_in(tmp_path: Path, server_url: str) -> None:
    device, path = tmp_path / "ttyGNSS", tmp_path / "a.fsurvey"
    with pty_receiver(device) as receiver:
        receiver.plug()
        receiver.talk(a_drive(1000), every_s=1 / SPEED)
        with driving(config_for(path, f"serial:{device}", server_url)) as control:
            wait_for(control, lambda now: now.counts.samples >= 5)
            receiver.unplug()
            lost = wait_for(
                control, lambda now: now.strip[StripKind.POSITION].health is Health.FAILED
            )
            assert lost.state is DriveState.DRIVING
            wait_for(control, lambda now: now.counts.samples >= lost.counts.samples + 10)
            receiver.plug()
            receiver.talk(a_drive(1000), every_s=1 / SPEED)
            wait_for(control, lambda now: now.strip[StripKind.POSITION].health is not Health.FAILED)
            wait_for(control, lambda now: now.counts.samples >= lost.counts.samples + 60)
    samples, events, _ = stored(path)
    assert_every_second(samples)
    assert {EventKind.POSITION_LOST, EventKind.POSITION_BACK} <= set(kinds(events))
    without = [s for s in samples if s.fix_age_us is not None and s.fix_age_us > 3_000_000]
    assert without, "the seconds without a receiver claim a fresh position"


def test_server_gone_and_back(tmp_path: Path, replay: str) -> None:
    path = tmp_path / "a.fsurvey"
    with ChildProcess("fieldsurvey", "measure-server", "--listen", "127.0.0.1:0") as server:
        port = server.ready_port()
        url = f"http://127.0.0.1:{port}"
        with ExitStack() as stack:
            control = stack.enter_context(driving(config_for(path, replay, url)))
            wait_for(control, lambda now: now.counts.samples >= 10)
            server.__exit__(None, None, None)
            gone = wait_for(
                control, lambda now: now.strip[StripKind.NETWORK].health is Health.FAILED
            )
            control.test_now()
            failed = wait_for(control, lambda now: now.counts.tally.tests >= 1)
            assert failed.last_test is not None
            assert failed.last_test.measurement.outcome is Outcome.FAILED
            assert failed.last_test.measurement.cause is Cause.REFUSED
            assert failed.last_test.no_service
            wait_for(control, lambda now: now.counts.samples >= gone.counts.samples + 20)
            stack.enter_context(
                ChildProcess("fieldsurvey", "measure-server", "--listen", f"127.0.0.1:{port}")
            )
            wait_for(control, lambda now: now.strip[StripKind.NETWORK].health is Health.OK)
            wait_for(control, lambda now: "drive.service_back" in notices(now))
            control.close()
    samples, events, _ = stored(path)
    assert_every_second(samples)
    assert {EventKind.SERVICE_LOST, EventKind.SERVICE_BACK} <= set(kinds(events))
    causes = {s.reachability.cause for s in samples if not s.reachability.reachable}
    assert Cause.REFUSED in causes


def test_measuring_process_killed(tmp_path: Path, replay: str, server_url: str) -> None:
    path = tmp_path / "a.fsurvey"
    with driving(
        config_for(path, replay, server_url, max_test_s=3.0, max_test_bytes=1 << 34)
    ) as control:
        wait_for(control, lambda now: now.counts.samples >= 5)
        control.test_now()
        wait_for(control, lambda now: now.running_test and now.running_test.payload_bytes > 0)
        for child in psutil.Process().children():
            if "fieldsurvey.throughput.worker" in child.cmdline():
                child.kill()
        failed = wait_for(control, lambda now: now.counts.tally.tests == 1)
        assert failed.last_test is not None
        assert failed.last_test.measurement.cause is Cause.ENGINE
        assert not failed.last_test.no_service
        control.test_now()
        wait_for(control, lambda now: now.counts.tally.tests == 2, timeout_s=30.0)
    tests = stored(path)[2]
    assert [test.measurement.outcome for test in tests] == [Outcome.FAILED, Outcome.COMPLETED]


def test_budget_spent(tmp_path: Path, replay: str, server_url: str) -> None:
    path = tmp_path / "a.fsurvey"
    config = config_for(
        path, replay, server_url, trigger_period_s=5.0, minimum_gap_s=1.0,
        max_test_bytes=2_000_000, budget_bytes_per_day=5_000_000,
    )  # fmt: skip
    with driving(config) as control:
        off = wait_for(control, lambda now: now.testing_off)
        wait_for(control, lambda now: now.counts.samples >= off.counts.samples + 20)
        assert control.snapshot().counts.tally.tests == off.counts.tally.tests
    samples, events, tests = stored(path)
    assert_every_second(samples)
    assert kinds(events).count(EventKind.BUDGET_REACHED) == 1
    spent = sum(test.measurement.wire_bytes for test in tests)
    assert 2_500_000 < spent <= 5_000_000  # asking for the server and pings are charged as well


def broken_off(path: Path, replay: str, server_url: str) -> None:
    """Leave a drive without an end in the file, as a power cut would, 11 minutes ago."""
    with driving(config_for(path, replay, server_url)) as control:
        wait_for(control, lambda now: now.counts.samples >= 5)
        snapshot_of_file = path.with_name("cut.fsurvey")
        with SurveyFile.open(path, read_only=True):
            snapshot_of_file.write_bytes(path.read_bytes())
            log = path.with_name(path.name + "-wal")
            snapshot_of_file.with_name(snapshot_of_file.name + "-wal").write_bytes(log.read_bytes())
    for file in path.parent.glob("cut.fsurvey*"):
        os.utime(file, (time.time() - 660, time.time() - 660))


@pytest.mark.parametrize("accept", [True, False])
def test_a_drive_broken_off_11_minutes_ago_is_asked_about(
    tmp_path: Path, replay: str, server_url: str, accept: bool
) -> None:
    broken_off(tmp_path / "a.fsurvey", replay, server_url)
    cut = tmp_path / "cut.fsurvey"
    before = len(stored_copy(cut))
    with driving(config_for(cut, replay, server_url, auto_start=False)) as control:
        asked = wait_for(control, lambda now: now.resume_question)
        assert asked.state is not DriveState.DRIVING
        control.resume(accept)
        if not accept:
            wait_for(control, lambda now: now.resume_question is None and now.fix)
            control.start()
        wait_for(control, lambda now: now.state is DriveState.DRIVING)
        wait_for(control, lambda now: now.counts.samples >= (before if accept else 0) + 5)
    with SurveyFile.open(cut, read_only=True) as survey:
        drives, events = survey.drives(), list(survey.events())
    assert len(drives) == (1 if accept else 2)
    assert (EventKind.DRIVE_RESUMED in kinds(events)) is accept
    assert ("drive.closed_unfinished" in notices(control.snapshot())) is not accept
    assert findings(cut) == []


def stored_copy(path: Path) -> list[Sample]:
    """Read a copy, so that the file's own time is not touched."""
    copy = path.with_name("copy.fsurvey")
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
    return stored(copy)[0]


def test_a_damaged_survey_is_left_alone_and_recording_goes_on_beside_it(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    path = tmp_path / "a.fsurvey"
    path.write_bytes(b"not a survey" * 1000)
    with driving(config_for(path, replay, server_url)) as control:
        snapshot = wait_for(control, lambda now: now.counts.samples >= 3)
    assert path.read_bytes() == b"not a survey" * 1000
    beside = Path(snapshot.survey_path)
    assert beside.parent == tmp_path
    assert beside != path
    assert len(stored(beside)[0]) >= 3
    assert any(notice.health is not Health.OK for notice in snapshot.notices)


def test_a_survey_in_use_is_not_recorded_twice(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    path = tmp_path / "a.fsurvey"
    with driving(config_for(path, replay, server_url)) as control:
        wait_for(control, lambda now: now.counts.samples >= 1)
        again = config_for(path, replay, server_url, fallback_folder=tmp_path / "other")
        with pytest.raises(KnownError) as caught, driving(again):
            pytest.fail("two recorders on one file")
    assert caught.value.message.id == "store.in_use"

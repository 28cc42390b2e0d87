"""What shells see: counts from commits, gaps in the trail, words for the strip."""

from dataclasses import replace
from pathlib import Path

import pytest

from fieldsurvey.drive import strip
from fieldsurvey.drive.health import LaptopState, read_laptop_state
from fieldsurvey.drive.recorder import Batch
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.view import KEPT_NOTICES, DriveView
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import FixFlag
from fieldsurvey.model.tally import Tally
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.survey_file import SurveyFile
from tests.support import store_values
from tests.support.drive_values import S, a_failed_test, a_fix, a_sample


def test_counts_come_from_commits() -> None:
    view = DriveView(SystemClock())
    samples = [a_sample(0), a_sample(1, cause=Cause.DNS)]
    view.committed(Batch(samples=samples, tests=[a_failed_test()]), 120.0)
    assert (view.counts.samples, view.counts.no_service_samples) == (2, 1)
    assert (view.counts.tally, view.counts.distance_m) == (Tally(no_service=1), 120.0)
    assert view.last_test is not None
    assert [point.cause for point in view.trail_since(0)] == [None, Cause.DNS]
    assert view.trail_since(2) == []


def test_trail_has_a_gap_where_the_receiver_was_silent() -> None:
    view = DriveView(SystemClock())
    samples = [a_sample(0, fix=a_fix(0))]
    samples += [a_sample(second, fix=a_fix(0)) for second in range(1, 10)]
    samples += [a_sample(10, fix=a_fix(10)), a_sample(11, fix=a_fix(11))]
    view.committed(Batch(samples=samples), 0.0)
    points = view.trail_since(0)
    assert [point.latitude_deg is None for point in points] == [False] * 3 + [True] * 7 + [
        False
    ] * 2
    assert [point.gap_before for point in points[-2:]] == [True, False]


def test_notices_are_numbered_and_bounded() -> None:
    view = DriveView(SystemClock())
    for _ in range(KEPT_NOTICES + 5):
        view.tell(Health.OK, message("drive.marked"))
    serials = [notice.serial for notice in view.notices]
    assert serials == list(range(6, KEPT_NOTICES + 6))


def test_position_in_words() -> None:
    assert strip.position_item(None, None, None).health is Health.FAILED
    stale = strip.position_item(a_fix(0), 40 * S, None)
    assert (stale.health, str(stale.value)) == (Health.FAILED, "no fix for 40 s")
    good = strip.position_item(a_fix(0), S, None)
    assert (good.health, str(good.value)) == (Health.OK, "HDOP 0.9 · 9 sat.")
    assert strip.position_item(a_fix(0, flags=FixFlag.JUMP), S, None).health is Health.DEGRADED


def test_network_names_the_cause() -> None:
    item = strip.network_item(Reachability(False, None, Cause.CAPTIVE_PORTAL))
    assert item.health is Health.FAILED
    assert "login page" in str(item.value)
    assert str(strip.network_item(Reachability(True, 41_600)).value) == "42 ms"


@pytest.mark.parametrize(
    ("free_bytes", "health"),
    [(50_000_000_000, Health.OK), (500_000_000, Health.DEGRADED), (1_000, Health.FAILED)],
)
def test_storage_by_free_space(free_bytes: int, health: Health) -> None:
    assert strip.storage_item(LaptopState(free_bytes, None, None), None, 0).health is health


def test_storage_trouble_counts_what_waits() -> None:
    item = strip.storage_item(None, message("drive.storage_full_advice"), 17)
    assert (item.health, str(item.value)) == (Health.FAILED, "17 rows wait in memory")


def test_power_and_clock() -> None:
    assert strip.power_item(LaptopState(1, 12, False)).health is Health.DEGRADED
    assert strip.power_item(LaptopState(1, 12, True)).health is Health.OK
    assert strip.power_item(None).health is Health.OFF
    assert strip.clock_item(None).health is Health.OFF
    assert strip.clock_item(a_fix(3)).health is Health.OK


def test_laptop_state_is_read(tmp_path: Path) -> None:
    state = read_laptop_state(tmp_path)
    assert state.free_bytes is not None
    assert state.free_bytes > 0
    assert read_laptop_state(Path("/nowhere/at/all")).free_bytes is None


def test_no_battery_interface_is_no_battery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise FileNotFoundError("/sys/class/power_supply")

    monkeypatch.setattr("psutil.sensors_battery", missing)
    assert read_laptop_state(tmp_path).battery_percent is None


def test_the_window_and_the_file_count_the_same(tmp_path: Path) -> None:
    """Two tests of one place on two servers are one result, confirmed or contradicted."""
    firsts = [store_values.a_test(second, Verdict.BELOW) for second in (10, 20, 30, 40)]
    verdicts = (Verdict.BELOW, Verdict.ABOVE, Verdict.UNDECIDED)
    seconds = [
        replace(store_values.a_test(first_s + 5, verdict), confirms=first.test_id)
        for first_s, first, verdict in zip((10, 20, 30), firsts, verdicts, strict=False)
    ]
    other_link = replace(
        store_values.a_test(45, Verdict.ABOVE), confirms=firsts[3].test_id, link="x"
    )
    tests = [
        *firsts,
        *seconds,
        other_link,
        store_values.a_test(50),
        store_values.a_spoiled_test(60, Outcome.FAILED, Cause.ENGINE),
        store_values.a_spoiled_test(70, Outcome.SKIPPED, Cause.BUDGET),
        replace(store_values.a_watched_test(80), judgement=None, confirms=None),
    ]
    view = DriveView(SystemClock())
    for test in tests:
        view.committed(Batch(tests=[test]), 0.0)
    assert view.counts.tally == Tally(
        above=1, below=3, undecided=1, failed=1, self_limited=1, skipped=1, repeated=4
    )
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(store_values.a_drive("d1"))
        survey.append("d1", tests=tests)
        assert survey.summary().tally == view.counts.tally

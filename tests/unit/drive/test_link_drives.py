"""Whole drives over several links: real server, real measuring processes, real survey file."""

import ssl
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.confirm import confirmed, is_below
from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.model.drive import AtBudget, DriveState, EventKind, PlannedLink
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import Cause, Mode, Outcome, ThroughputTest, Trigger
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.throughput.server.app import MeasurementServer
from tests.support.drive_faults import (
    SPEED,
    config_for,
    driving,
    kinds,
    notices,
    stored,
    wait_for,
)
from tests.support.drive_links import doorman, server_of
from tests.support.headless import findings
from tests.support.throughput import OddServer, Visit, certificate, running

LINKS = (
    PlannedLink("one", "127.0.0.1", "Operator 1", AccessType.MOBILE),
    PlannedLink("two", "127.0.0.2", "Operator 2", AccessType.SATELLITE),
)


def drive_until(config: DriveConfig, tests: int) -> tuple[DriveSnapshot, list[ThroughputTest]]:
    """Drive until so many tests are committed; return what was seen then and all tests."""
    with driving(config) as control:
        seen = wait_for(control, lambda now: len(control.tests_since(0)) >= tests, 40.0)
        made = control.tests_since(0)
    assert findings(config.survey_path) == []
    return seen, made


@pytest.mark.parametrize("together", [False, True])
def test_two_links_measure_the_same_road_through_their_own_addresses(
    tmp_path: Path, replay: str, server_url: str, together: bool
) -> None:
    with doorman(int(server_url.rsplit(":", 1)[1])) as door:
        config = config_for(
            tmp_path / "a.fsurvey", replay, door.url, links=LINKS, links_together=together,
            trigger_period_s=10.0, minimum_gap_s=1.0,
        )  # fmt: skip
        seen, tests = drive_until(config, 4)
    spent = dict.fromkeys(("one", "two"), 0)
    for test in tests:
        assert test.measurement.outcome is Outcome.COMPLETED
        link = next(link for link in LINKS if link.name == test.link)
        assert (test.operator, test.access_type) == (link.operator, link.access_type)
        spent[test.link] += test.measurement.wire_bytes
    first, second, third, fourth = sorted(tests[:4], key=lambda test: test.started_mono_us)
    overlap = second.started_mono_us < first.ended_mono_us
    assert overlap is together
    assert {first.link, second.link} == {third.link, fourth.link} == {"one", "two"}
    if not together:
        assert [t.link for t in (first, second, third, fourth)] == ["one", "two", "two", "one"]
    for address, name in (("127.0.0.1", "one"), ("127.0.0.2", "two")):
        assert door.sent_bytes[address] >= spent[name] * 0.9 > 100_000
    assert seen.budget is not None
    assert seen.budget.link in spent
    children = psutil.Process().children()
    assert not any("fieldsurvey.throughput.worker" in child.cmdline() for child in children)


def test_one_stop_ends_the_tests_of_all_links(tmp_path: Path, replay: str, server_url: str) -> None:
    path = tmp_path / "a.fsurvey"
    config = config_for(
        path, replay, server_url, links=LINKS, links_together=True,
        max_test_s=20.0, max_test_bytes=1 << 40, budget_bytes_per_day=1 << 42,
        budget_bytes_per_month=1 << 42,
    )  # fmt: skip
    with driving(config) as control:
        wait_for(control, lambda now: now.counts.samples >= 3)
        control.test_now()
        running = wait_for(control, lambda now: len(now.running_tests) == 2)
        assert {test.link for test in running.running_tests} == {"one", "two"}
        control.stop()
        wait_for(control, lambda now: now.counts.tally.tests == 2, 8.0)
    tests = stored(path)[2]
    assert [test.measurement.outcome for test in tests] == [Outcome.CANCELLED] * 2


def test_a_modem_that_is_not_plugged_in_accuses_nobody(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    path = tmp_path / "a.fsurvey"
    links = (LINKS[0], PlannedLink("gone", "nosuch0", "Operator 3"))
    config = config_for(path, replay, server_url, links=links)
    with driving(config) as control:
        assert "drive.link_missing" in notices(control.snapshot())
        wait_for(control, lambda now: now.counts.samples >= 3)
        control.test_now()
        wait_for(control, lambda now: len(control.tests_since(0)) == 2)
        assert control.snapshot().counts.tally.no_service == 0
    tests = {test.link: test.measurement.outcome for test in stored(path)[2]}
    if "gone" in tests:  # the file knows links
        assert tests == {"one": Outcome.COMPLETED, "gone": Outcome.SKIPPED}


def test_seconds_are_those_of_the_first_link(tmp_path: Path, replay: str, server_url: str) -> None:
    path = tmp_path / "a.fsurvey"
    with doorman(int(server_url.rsplit(":", 1)[1])) as door:
        door.turned_away = frozenset({"127.0.0.1"})
        config = config_for(
            path, replay, door.url, links=LINKS, links_together=True,
            trigger_period_s=10.0, minimum_gap_s=1.0,
        )  # fmt: skip
        _, tests = drive_until(config, 4)
    assert all(test.no_service is (test.link == "one") for test in tests)
    samples = stored(path)[0]
    assert len(samples) >= 10
    assert not any(sample.reachability.reachable for sample in samples)


def test_the_default_link_has_the_plans_operator(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    config = config_for(
        tmp_path / "a.fsurvey", replay, server_url, operator="Op", access_type=AccessType.FIBRE,
        trigger_period_s=10.0,
    )  # fmt: skip
    _, (test, *_) = drive_until(config, 1)
    assert (test.link, test.operator, test.access_type) == ("", "Op", AccessType.FIBRE)


def test_latency_goes_on_at_the_cap(tmp_path: Path, replay: str, server_url: str) -> None:
    path = tmp_path / "a.fsurvey"
    config = config_for(
        path, replay, server_url, trigger_period_s=5.0, minimum_gap_s=1.0,
        budget_bytes_per_day=5_000_000, at_budget=AtBudget.PING,
    )  # fmt: skip
    seen, tests = drive_until(config, 6)
    modes = [test.measurement.mode for test in tests]
    checks = modes.count(Mode.CHECK)
    assert checks >= 1
    assert modes == [Mode.CHECK] * checks + [Mode.PING] * (len(modes) - checks)
    assert modes[-1] is Mode.PING
    ping = tests[-1].measurement
    assert ping.outcome is Outcome.COMPLETED
    assert ping.phases[0].round_trips_us
    assert tests[-1].judgement is None
    assert kinds(stored(path)[1]).count(EventKind.BUDGET_REACHED) == 1
    assert seen.budget is not None
    assert (seen.budget.at_cap, seen.budget.day_limit_bytes) == (AtBudget.PING, 5_000_000)


def spent_month(folder: Path, replay: str, server_url: str) -> tuple[DriveConfig, int]:
    """Drive until the month's budget has no room for another test; return what it took."""
    config = config_for(
        folder / "a.fsurvey", replay, server_url, trigger_period_s=5.0, minimum_gap_s=1.0,
        budget_bytes_per_month=3_000_000,
    )  # fmt: skip
    _, tests = drive_until(config, 1)
    return config, sum(test.measurement.wire_bytes for test in tests)


def test_budget_spent_before_this_drive_holds(tmp_path: Path, replay: str, server_url: str) -> None:
    config, spent = spent_month(tmp_path, replay, server_url)
    with driving(config) as control:
        off = wait_for(control, lambda now: now.testing_off)
        wait_for(control, lambda now: now.counts.samples >= off.counts.samples + 20)
        assert control.tests_since(0) == []
    assert off.testing_off is not None
    assert off.testing_off.id == "drive.budget_month_reached"
    assert off.budget is not None
    assert off.budget.month_used_bytes >= spent


def test_budget_spent_by_another_survey_of_the_folder_holds(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    """A SIM card is the same in every campaign; what cannot be read is told."""
    config, spent = spent_month(tmp_path, replay, server_url)
    (tmp_path / "broken.fsurvey").write_bytes(b"SQLite format 3\0" + bytes(8000))
    with driving(replace(config, survey_path=tmp_path / "b.fsurvey")) as control:
        off = wait_for(control, lambda now: now.testing_off)
        told = {notice.message.id: notice.message for notice in control.snapshot().notices}
    assert off.budget is not None
    assert off.budget.month_used_bytes >= spent
    assert "broken.fsurvey" in str(told["drive.budget_unread"])
    assert stored(tmp_path / "b.fsurvey")[2] == []


@pytest.mark.parametrize(("second_mbps", "meaning"), [(20.0, True), (400.0, False)])
def test_a_result_below_is_confirmed_or_not_by_a_second_server(
    tmp_path: Path, replay: str, second_mbps: float, meaning: bool
) -> None:
    with server_of(20.0, tmp_path) as slow_url, server_of(second_mbps, tmp_path) as second_url:
        config = config_for(
            tmp_path / "a.fsurvey", replay, slow_url, confirm_server_url=second_url,
            max_test_s=4.0, max_test_bytes=40_000_000,
        )  # fmt: skip
        with driving(config) as control:
            wait_for(control, lambda now: now.counts.samples >= 3)
            made = 0
            for _ in range(3):  # a busy machine may hold a test back: that is no verdict
                control.test_now()
                made += 1
                wait_for(control, lambda now, made=made: len(control.tests_since(0)) == made, 40.0)
                if is_below(control.tests_since(0)[-1]):
                    break
            wait_for(control, lambda now: len(control.tests_since(0)) == made + 1, 40.0)
            *_, first, second = control.tests_since(0)
    assert first.judgement is not None
    assert first.judgement.verdict is Verdict.BELOW
    assert (second.trigger, second.confirms) == (Trigger.CONFIRMATION, first.test_id)
    assert second.measurement.server_url == second_url
    assert confirmed(first, second) is meaning


def test_calibrations_keep_their_turn_when_a_drive_goes_on(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    path = tmp_path / "a.fsurvey"
    config = config_for(
        path, replay, server_url, calibrate_every=2, budget_bytes_per_day=1 << 40,
        budget_bytes_per_month=1 << 40,
    )  # fmt: skip
    cut = path.with_name("cut.fsurvey")
    with driving(config) as control:
        wait_for(control, lambda now: now.counts.samples >= 3)
        control.test_now()
        wait_for(control, lambda now: len(control.tests_since(0)) == 1)
        copy_of(path, cut)
    with driving(replace(config, survey_path=cut, resume=True)) as control:
        wait_for(control, lambda now: now.state is DriveState.DRIVING and now.fix)
        control.test_now()
        wait_for(control, lambda now: now.running_test)
    modes = [test.measurement.mode for test in stored(cut)[2]]
    assert modes == [Mode.CHECK, Mode.CALIBRATE]


def test_a_test_that_ran_when_the_power_went_is_charged(
    tmp_path: Path, replay: str, server_url: str
) -> None:
    path, cut = tmp_path / "a.fsurvey", tmp_path / "cut.fsurvey"
    config = config_for(
        path, replay, server_url, max_test_s=20.0, max_test_bytes=1 << 34,
        budget_bytes_per_day=1 << 40, budget_bytes_per_month=1 << 40,
    )  # fmt: skip
    with driving(config) as control:
        wait_for(control, lambda now: now.counts.samples >= 3)
        control.test_now()
        running = wait_for(control, lambda now: now.running_test)
        assert running.budget is not None
        assert running.budget.day_used_bytes >= 1 << 34
        copy_of(path, cut)
    with driving(replace(config, survey_path=cut, resume=True)) as control:
        again = wait_for(control, lambda now: now.state is DriveState.DRIVING)
        assert control.tests_since(0) == []
        assert again.budget is not None
        assert again.budget.day_used_bytes >= 1 << 34


def test_a_busy_server_is_asked_again_when_it_said(tmp_path: Path, replay: str) -> None:
    def busy(visit: Visit) -> None:
        visit.head("503 Service Unavailable", "Retry-After: 3", "Content-Length: 0")

    with OddServer(busy) as server:
        config = config_for(
            tmp_path / "a.fsurvey", replay, server.url, trigger_period_s=5.0, minimum_gap_s=1.0
        )
        _, (first, second, *_) = drive_until(config, 2)
    assert first.measurement.cause is Cause.SERVER_BUSY
    assert first.measurement.retry_after_s == 3
    waited_s = (second.started_mono_us - first.ended_mono_us) / 1e6 / SPEED
    assert 3.0 <= waited_s < 5.0


def copy_of(path: Path, cut: Path) -> None:
    """Copy a survey as a power cut would leave it."""
    with SurveyFile.open(path, read_only=True):  # the log stays as long as somebody reads
        cut.write_bytes(path.read_bytes())
        log = path.with_name(path.name + "-wal")
        cut.with_name(cut.name + "-wal").write_bytes(log.read_bytes())


def test_a_server_of_an_authority_of_our_own(tmp_path: Path, replay: str) -> None:
    """Seconds and tests trust whom the plan trusts."""
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    trusted = pem.with_suffix(".crt").read_text()
    path = tmp_path / "a.fsurvey"
    with running(MeasurementServer(tls=context)) as port:
        url = f"https://127.0.0.1:{port}"
        config = config_for(path, replay, url, ca_pem=trusted, max_test_bytes=2_000_000)
        with driving(config) as control:
            wait_for(control, lambda now: any(p.reachable for p in control.trail_since(0)))
            control.test_now()
            wait_for(control, lambda now: len(control.tests_since(0)) >= 1)
    _, _, tests = stored(path)
    assert tests[0].measurement.outcome is Outcome.COMPLETED, tests[0].measurement.detail
    assert tests[0].measurement.tls

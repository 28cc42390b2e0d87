"""Rounds of sending in simulated time: what goes out, when, and what a fault costs."""

import asyncio
import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.policy import Policy
from fieldsurvey.sync.progress import SyncProgress, SyncState
from fieldsurvey.wire.keys import Ed25519PrivateKey
from tests.support.sync_batches import DEVICE
from tests.support.sync_hq import SimulatedHq
from tests.support.sync_network import Fault, Network
from tests.support.sync_survey import KEY, add_rows, make_survey, parts_for, seal_some
from tests.support.sync_time import run_virtually

T = TypeVar("T")

HOUR_S = 3600.0


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    with make_survey(tmp_path / "a.fsurvey", 20) as made:
        yield made


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "hq"


async def run_for(syncer: Syncer, seconds: float) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await syncer.run()


async def run_until(syncer: Syncer, seconds: float, enough: Callable[[], bool]) -> float:
    """Run at most ``seconds``; return when ``enough`` was true."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    task = asyncio.create_task(syncer.run())
    try:
        while not enough() and loop.time() < start_s + seconds and not task.done():
            await asyncio.wait({task}, timeout=10.0)
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return loop.time() - start_s


def test_rows_wait_a_minute_and_are_then_signed_for(survey: SurveyFile, profile: Path) -> None:
    hq = SimulatedHq()
    network = Network(hq)
    syncer = Syncer(parts_for(survey, hq, network, profile))

    async def main() -> None:
        await run_for(syncer, 55)
        assert syncer.progress.sealed_rows == 0
        await run_for(syncer, 30)

    run_virtually(main())
    assert syncer.progress.complete
    assert hq.seqs() == set(range(1, 21))
    assert syncer.progress.state is SyncState.IDLE
    assert syncer.progress.last_error is None
    assert syncer.progress.last_success_utc_us is not None


def test_a_backlog_goes_out_four_at_a_time_and_oldest_first(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 10, 2)
    hq = SimulatedHq()
    network = Network(hq)
    progress = run_virtually(Syncer(parts_for(survey, hq, network, profile)).drain())
    assert progress.acknowledged_batches == progress.batches == 10
    assert network.most_in_flight == 4
    puts = [request for request in network.requests if request.startswith("put")]
    assert puts == [f"put {'e' * 16} {number}" for number in range(10)]


def test_durability_is_asked_for_and_believed_up_to_hqs_own_gap(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 10, 2)
    hq = SimulatedHq()
    syncer = Syncer(parts_for(survey, hq, Network(hq), profile))

    async def main() -> None:
        await syncer.drain()
        hq.backup()
        del hq.held[next(number for number in hq.held if number[2] == 6)]
        await syncer.drain()

    run_virtually(main())
    # Batch 6 came again; it and those after it are not believed to be durable before the next look.
    assert syncer.progress.acknowledged_batches == 10
    assert syncer.progress.durable_batches == 6


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.LOST, SyncState.WAITING),
        (Fault.PROXY_FAILS, SyncState.WAITING),
        (Fault.BUSY, SyncState.WAITING),
        (Fault.PORTAL, SyncState.NOT_OUR_SERVER),
        (Fault.PORTAL_REFUSES, SyncState.NOT_OUR_SERVER),
        (Fault.REDIRECT, SyncState.NOT_OUR_SERVER),
    ],
)
def test_nothing_is_delivered_to_a_stranger_and_all_once_he_is_gone(
    survey: SurveyFile, profile: Path, fault: Fault, state: SyncState
) -> None:
    seal_some(survey, 6, 3)
    hq = SimulatedHq()
    network = Network(hq, [fault] * 200)
    syncer = Syncer(parts_for(survey, hq, network, profile))

    async def main() -> None:
        await run_for(syncer, 6 * HOUR_S)
        assert syncer.progress.state is state
        assert syncer.progress.last_error is not None
        assert syncer.progress.acknowledged_rows == 0
        assert syncer.progress.parked_batches == 0
        # Asked again and again, but not so often that it costs anything.
        assert 20 < len(network.requests) < 100
        network._faults = iter(())
        await run_until(syncer, 1000, lambda: syncer.progress.complete)

    run_virtually(main())
    assert syncer.progress.complete


def test_what_is_damaged_on_the_way_is_sent_again(survey: SurveyFile, profile: Path) -> None:
    hq = SimulatedHq()
    none = Fault.NONE
    network = Network(hq, [none, Fault.CORRUPT, none, none, Fault.TRUNCATED])
    syncer = Syncer(parts_for(survey, hq, network, profile))
    progress = run_virtually(syncer.drain())
    assert progress.complete
    assert hq.puts == 3


class Poison(Network):
    """HQ refuses one batch for ever, or the link dies with it every time."""

    def __init__(self, hq: SimulatedHq, batch_no: int, fault: Fault) -> None:
        super().__init__(hq)
        self.poison = f"put {'e' * 16} {batch_no}"
        self.fault = fault

    def next_fault(self) -> Fault:
        return self.fault if self.requests[-1] == self.poison else Fault.NONE


def test_a_poison_batch_is_parked_with_a_reason_and_holds_up_nothing(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 10, 2)
    hq = SimulatedHq()
    network = Poison(hq, 0, Fault.CORRUPT)
    syncer = Syncer(parts_for(survey, hq, network, profile))

    async def main() -> None:
        progress = await syncer.drain()
        assert progress.acknowledged_batches == 9
        assert progress.parked_batches == 1
        assert network.requests.count(network.poison) == 3
        ((batch, reason),) = Outbox(survey).parked()
        assert batch == BatchId("e" * 16, 0)
        assert reason.id == "sync.refused"
        network.fault = Fault.NONE
        # Nobody does anything: it is tried again by itself.
        assert await run_until(syncer, 7 * HOUR_S, lambda: syncer.progress.complete) < 6.5 * HOUR_S

    run_virtually(main())
    assert syncer.progress.complete


def test_a_batch_that_kills_the_link_steps_back_for_the_others(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 10, 2)
    hq = SimulatedHq()
    network = Poison(hq, 0, Fault.LOST)
    syncer = Syncer(parts_for(survey, hq, network, profile))

    async def main() -> None:
        running = asyncio.create_task(syncer.run())
        await asyncio.sleep(60)
        assert syncer.progress.acknowledged_batches == 9
        for second in range(100, 130):
            add_rows(survey, second, 1)
            await asyncio.sleep(120)
        # The others went out as they came; this one was not tried every time.
        assert syncer.progress.sealed_rows - syncer.progress.acknowledged_rows == 2
        assert network.requests.count(network.poison) < 20
        network.fault = Fault.NONE
        await asyncio.sleep(1800)
        assert syncer.progress.complete
        running.cancel()

    run_virtually(main())


def test_a_revoked_laptop_keeps_everything_and_asks_rarely(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 3, 2)
    hq = SimulatedHq()
    hq.revoked = True
    network = Network(hq)
    syncer = Syncer(parts_for(survey, hq, network, profile))

    async def main() -> None:
        await run_for(syncer, 4 * HOUR_S)
        assert syncer.progress.state is SyncState.RE_ENROL
        assert syncer.progress.waiting_batches == 3
        assert len(network.requests) < 40
        assert hq.puts == 0
        hq.revoked = False
        await run_until(syncer, 2000, lambda: syncer.progress.complete)

    run_virtually(main())
    assert syncer.progress.complete


def test_hq_restored_from_an_old_backup_gets_again_what_it_lost_and_its_log_is_told_of(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 5, 2)
    hq = SimulatedHq()
    parts = parts_for(survey, hq, Network(hq), profile)
    syncer = Syncer(parts)

    async def main() -> None:
        await syncer.drain()
        backup = hq.backup()
        add_rows(survey, 100, 10)
        seal_some(survey, 5, 2)
        await syncer.drain()
        await syncer.drain()  # sees the log at its longest
        assert not syncer.progress.log_broken
        hq.restore(backup)
        assert await run_until(syncer, 1000, lambda: len(hq.seqs()) == 30) < 1000
        await run_for(syncer, 2 * HOUR_S)

    run_virtually(main())
    assert syncer.progress.complete
    assert syncer.progress.log_broken
    evidence = list(parts.profile.evidence_path.iterdir())
    assert len(evidence) == 1
    assert evidence[0].read_text().count("hq.example/log") == 4


def test_a_log_that_was_rewritten_is_told_of(survey: SurveyFile, profile: Path) -> None:
    hq = SimulatedHq()
    syncer = Syncer(parts_for(survey, hq, Network(hq), profile))

    async def main() -> None:
        await syncer.drain()
        await syncer.drain()
        hq.leaves[0] = bytes(32)
        add_rows(survey, 100, 5)
        await syncer.drain()
        await syncer.drain()

    run_virtually(main())
    assert syncer.progress.log_broken
    assert syncer.progress.complete


def test_a_restored_survey_file_goes_on_in_a_new_epoch(tmp_path: Path, profile: Path) -> None:
    path = tmp_path / "a.fsurvey"
    with make_survey(path, 8) as survey:
        seal_some(survey, 2, 4)
    shutil.copy(path, tmp_path / "old.fsurvey")
    hq = SimulatedHq()
    with SurveyFile.open(path) as survey:
        add_rows(survey, 100, 8)
        seal_some(survey, 2, 4)
        run_virtually(Syncer(parts_for(survey, hq, Network(hq), profile)).drain())
    shutil.copy(tmp_path / "old.fsurvey", path)
    with SurveyFile.open(path) as survey:
        add_rows(survey, 200, 8)
        progress = run_virtually(Syncer(parts_for(survey, hq, Network(hq), profile)).drain())
        epochs = Outbox(survey).epochs()
    assert progress.complete
    assert [epoch.reason for epoch in epochs] == ["first", "restored"]
    assert all(len(batches) == 1 for batches in hq.held.values())


def test_a_clone_that_sealed_the_same_number_is_delivered_too(
    tmp_path: Path, profile: Path
) -> None:
    path = tmp_path / "a.fsurvey"
    with make_survey(path, 8) as survey:
        seal_some(survey, 1, 8)
    shutil.copy(path, tmp_path / "clone.fsurvey")
    hq = SimulatedHq()
    for name, second in (("a", 100), ("clone", 200)):
        with SurveyFile.open(tmp_path / f"{name}.fsurvey") as survey:
            add_rows(survey, second, 4)
            seal_some(survey, 1, 4)
            add_rows(survey, second + 4, 4)
            progress = run_virtually(Syncer(parts_for(survey, hq, Network(hq), profile)).drain())
            assert progress.complete
            reasons = [epoch.reason for epoch in Outbox(survey).epochs()]
    assert reasons[0] == "first"
    assert len(reasons) == 2
    assert sum(len(batches) for batches in hq.held.values()) == 5


def test_nothing_is_sent_while_a_throughput_test_runs(survey: SurveyFile, profile: Path) -> None:
    seal_some(survey, 4, 2)
    hq = SimulatedHq()
    busy = True
    network = Network(hq, [Fault.NONE, Fault.NONE, *[Fault.SLOW] * 4])
    syncer = Syncer(parts_for(survey, hq, network, profile, busy=lambda: busy))

    async def main() -> None:
        nonlocal busy
        await run_for(syncer, 200)
        assert network.requests == []
        assert syncer.progress.state is SyncState.TESTING
        busy = False
        task = asyncio.create_task(syncer.run())
        await asyncio.sleep(20)
        assert network.in_flight == 4
        busy = True  # in the middle of four uploads
        await asyncio.sleep(0.5)
        assert network.in_flight == 0
        busy = False
        await asyncio.sleep(100)
        task.cancel()
        await asyncio.wait({task})

    run_virtually(main())
    assert syncer.progress.complete


@pytest.mark.parametrize(
    ("policy", "metered", "sends"),
    [
        (Policy.ANY, None, True),
        (Policy.ANY, True, True),
        (Policy.UNMETERED, False, True),
        (Policy.UNMETERED, True, False),
        (Policy.UNMETERED, None, False),
        (Policy.OFF, False, False),
    ],
)
def test_policy_holds_until_somebody_asks(
    survey: SurveyFile, profile: Path, policy: Policy, metered: bool | None, sends: bool
) -> None:
    hq = SimulatedHq()
    enrolment = dataclasses.replace(hq.enrolment(KEY.public_key()), policy=policy)
    network = Network(hq)

    async def link_cost() -> bool | None:
        return metered

    syncer = Syncer(parts_for(survey, hq, network, profile, enrolment=enrolment, metered=link_cost))

    async def main() -> SyncProgress:
        await run_for(syncer, 200)
        assert bool(network.requests) is sends
        assert syncer.progress.complete is sends
        return await syncer.drain()

    assert run_virtually(main()).complete


def test_the_days_budget_holds_and_the_next_day_goes_on(survey: SurveyFile, profile: Path) -> None:
    seal_some(survey, 6, 2)
    hq = SimulatedHq()
    size = len(Outbox(survey).content(BatchId("e" * 16, 0)) or b"")
    enrolment = dataclasses.replace(
        hq.enrolment(KEY.public_key()), budget_bytes_per_day=3 * (size + 2048) + size
    )
    syncer = Syncer(parts_for(survey, hq, Network(hq), profile, enrolment=enrolment))

    async def main() -> None:
        await run_for(syncer, 300)
        assert syncer.progress.state is SyncState.BUDGET
        assert syncer.progress.acknowledged_batches == 3
        await run_until(syncer, 25 * HOUR_S, lambda: syncer.progress.acknowledged_batches > 3)
        assert syncer.progress.acknowledged_batches > 3
        assert (await syncer.drain(over_budget=True)).complete

    run_virtually(main())


def test_what_another_laptop_sealed_goes_out_from_here_too(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 2, 2)
    hq = SimulatedHq()
    other = "00000000-0000-4000-8000-00000000000f"
    hq.devices[other] = KEY.public_key()
    enrolment = dataclasses.replace(hq.enrolment(KEY.public_key()), device=other)
    parts = parts_for(survey, hq, Network(hq), profile, enrolment=enrolment)
    assert run_virtually(Syncer(parts).drain()).complete
    assert [epoch.device for epoch in Outbox(survey).epochs()] == [DEVICE, other]
    assert {device for device, _, _ in hq.held} == {DEVICE, other}


def test_what_an_unknown_laptop_sealed_is_set_aside_and_holds_up_nothing(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 2, 2)
    hq = SimulatedHq()
    other = "00000000-0000-4000-8000-00000000000f"
    hq.devices = {other: KEY.public_key(), DEVICE: Ed25519PrivateKey.generate().public_key()}
    enrolment = dataclasses.replace(hq.enrolment(KEY.public_key()), device=other)
    parts = parts_for(survey, hq, Network(hq), profile, enrolment=enrolment)
    progress = run_virtually(Syncer(parts).drain())
    assert (progress.parked_rows, progress.acknowledged_rows) == (4, 16)


def test_another_hq_at_the_address_gets_nothing(survey: SurveyFile, profile: Path) -> None:
    hq, impostor = SimulatedHq(), SimulatedHq()
    network = Network(impostor)
    progress = run_virtually(Syncer(parts_for(survey, hq, network, profile)).drain())
    assert progress.acknowledged_rows == 0
    assert progress.last_error is not None
    assert progress.last_error.id == "sync.other_hq"
    assert impostor.puts == 0


def test_a_disk_that_fails_for_a_while_stops_nothing_for_good(
    survey: SurveyFile, profile: Path
) -> None:
    seal_some(survey, 4, 2)
    hq = SimulatedHq()
    outbox = Outbox(survey)
    broken = False

    async def on_store(work: Callable[[Outbox], T]) -> T:
        if broken:
            raise KnownError("store.disk_full", path="/survey")
        return work(outbox)

    syncer = Syncer(parts_for(survey, hq, Network(hq), profile, on_store=on_store))

    async def main() -> None:
        nonlocal broken
        running = asyncio.create_task(syncer.run())
        await asyncio.sleep(0.5)  # requests are under way
        broken = True
        await asyncio.sleep(600)
        assert syncer.progress.last_error is not None
        assert syncer.progress.last_error.id == "store.disk_full"
        broken = False
        await asyncio.sleep(1000)
        running.cancel()

    run_virtually(main())
    assert syncer.progress.complete
    assert syncer.progress.last_error is None


def test_the_clock_of_hq_is_noted(survey: SurveyFile, profile: Path) -> None:
    hq = SimulatedHq()
    parts = parts_for(survey, hq, Network(hq), profile)
    run_virtually(Syncer(parts).drain())
    (anchor,) = parts.profile.clock_anchors()
    assert anchor.hq_utc_us == hq.clock_utc_us
    assert anchor.round_trip_us == 300_000

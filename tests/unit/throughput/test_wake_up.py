"""A little traffic before the clock: bounded, charged, and over when the radio is awake."""

import time

import pytest

from fieldsurvey.model.throughput import MeasurementPlan, Outcome, Phase, PhaseKind
from fieldsurvey.throughput.wake_up import LONGEST_S, MOST_BYTES
from tests.support.throughput import OddServer, Pace, Visit, measure

WAKE_UP_S = 0.15


class SleepingRadio:
    """Behaviour for pings: the first answers come late, all the others at once."""

    def __init__(self, sleeps_s: float) -> None:
        self._sleeps_s = sleeps_s
        self._awake_s: float | None = None
        self._pace = Pace(20e6)

    def __call__(self, visit: Visit) -> None:
        if not visit.path.endswith("/ping"):
            self._pace(visit)
            return
        now_s = time.monotonic()
        self._awake_s = self._awake_s or now_s + self._sleeps_s
        time.sleep(max(self._awake_s - now_s, 0))
        visit.pong()


def wake_up_of(sleeps_s: float) -> tuple[Phase, Phase]:
    radio = SleepingRadio(sleeps_s)
    with OddServer(radio, answer_pings=False, keep_alive=True) as server:
        measurement = measure(MeasurementPlan(server.url, max_bytes=50_000, connections=1))
    assert measurement.outcome is Outcome.COMPLETED, measurement.detail
    wake_up, idle, download = measurement.phases
    assert (wake_up.kind, idle.kind) == (PhaseKind.WAKE_UP, PhaseKind.IDLE_LATENCY)
    assert measurement.wire_bytes == wake_up.payload_bytes + download.payload_bytes
    return wake_up, idle


def test_the_phases_find_the_radio_awake() -> None:
    wake_up, idle = wake_up_of(WAKE_UP_S)
    assert WAKE_UP_S <= wake_up.duration_us / 1e6 < 2 * LONGEST_S + 0.15
    assert max(idle.round_trips_us) < WAKE_UP_S * 1e6 / 2


def test_a_radio_that_is_awake_is_not_kept_waiting() -> None:
    wake_up, _ = wake_up_of(0)
    assert wake_up.duration_us / 1e6 < LONGEST_S  # seen on a quiet machine: 51 ms
    assert 0 < wake_up.payload_bytes < MOST_BYTES / 4


@pytest.mark.parametrize("sleeps_s", [0.0, 1.0])
def test_it_is_bounded_in_time_and_bytes(sleeps_s: float) -> None:
    wake_up, _ = wake_up_of(sleeps_s)
    assert wake_up.duration_us / 1e6 < 2 * LONGEST_S + 0.15
    assert wake_up.payload_bytes <= MOST_BYTES


def test_a_plan_may_leave_it_out() -> None:
    with OddServer(Pace(20e6)) as server:
        measurement = measure(MeasurementPlan(server.url, max_bytes=50_000, wake_up=False))
    assert [phase.kind for phase in measurement.phases] == [
        PhaseKind.IDLE_LATENCY,
        PhaseKind.DOWNLOAD,
    ]

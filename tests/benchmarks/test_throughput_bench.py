"""True rate, ours, iperf3 and speedtest-cli side by side, over known links and recorded ones.

``make bench ARGS="tests/benchmarks/test_throughput_bench.py -k 100mbps"`` runs a part. Read from
the environment: ``LAB_CONGESTION_CONTROL`` (``cubic``; else the system's own), ``LAB_INSTRUMENTS``
(``check,measure,iperf3,speedtest``), ``LAB_QUEUE_ROUND_TRIPS`` (1), ``LAB_CSV`` (a file to add to).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import Mode
from fieldsurvey.throughput.link_trace import LinkTrace, load_trace
from tests.conftest import SHARED_DATA
from tests.support.lab_instruments import (
    Reading,
    iperf3_readings,
    measurement_server,
    ours,
    speedtest_reading,
)
from tests.support.lab_iperf3 import iperf3_server
from tests.support.lab_link import BIG_SEGMENTS_FROM_BPS, Laboratory, Link, from_payload, laboratory
from tests.support.lab_table import append_csv, summary, table

pytestmark = [pytest.mark.bench, pytest.mark.root]

RATES_MBPS = (10, 30, 60, 85, 100, 115, 150, 300)
ROUND_TRIPS_MS = (20, 50, 120)
LOSSES_PERCENT = (0.0, 0.5)
TRACE_ROUND_TRIP_S = 0.05
TRACE_PARTS = (0.1, 0.4, 0.7)  # where in a recording a test begins
TRACES = sorted((SHARED_DATA / "links").glob("*")) if SHARED_DATA.is_dir() else []

CONGESTION_CONTROL = os.environ.get("LAB_CONGESTION_CONTROL", "")
INSTRUMENTS = os.environ.get("LAB_INSTRUMENTS", "check,measure,iperf3,speedtest").split(",")
QUEUE_ROUND_TRIPS = float(os.environ.get("LAB_QUEUE_ROUND_TRIPS", "1"))


@dataclass
class Bench:
    """A laboratory with every server in it, and what was read so far."""

    lab: Laboratory
    url: str
    iperf3_port: int
    csv_path: Path
    say: Callable[[str], None]
    readings: list[Reading] = field(default_factory=list)

    def compare(self, name: str, link: Link) -> dict[str, Reading]:
        """Let every instrument read ``link``, one after the other; tell the table."""
        found: list[Reading] = []
        for mode in (Mode.CHECK, Mode.MEASURE):
            if mode.value in INSTRUMENTS:
                found.append(ours(self.lab, link, self.url, mode)[0])
        if "iperf3" in INSTRUMENTS:
            found += iperf3_readings(self.lab, link, self.iperf3_port)
        if "speedtest" in INSTRUMENTS:
            found.append(speedtest_reading(self.lab, link, self.url))
        self.say(table(name, found))
        about = {
            "link": name,
            "loss": link.loss,
            "round_trip_s": link.round_trip_s,
            "congestion_control": CONGESTION_CONTROL,
            "queue_round_trips": QUEUE_ROUND_TRIPS,
        }
        append_csv(self.csv_path, about, found)
        self.readings += found
        return {reading.instrument: reading for reading in found}


@pytest.fixture(scope="module")
def benches(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Callable[[bool], Bench]]:
    """Return a laboratory for single packets, or for the big segments of very fast links."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    csv_path = Path(os.environ.get("LAB_CSV") or tmp_path_factory.mktemp("lab") / "readings.csv")
    open_ones: dict[bool, Bench] = {}

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)  # noqa: T201 - the bench is here to print

    with ExitStack() as stack:

        def bench(big_segments: bool) -> Bench:
            if big_segments not in open_ones:
                first = Link.steady(BIG_SEGMENTS_FROM_BPS if big_segments else 1e6, 0.02)
                lab = stack.enter_context(laboratory(first, congestion_control=CONGESTION_CONTROL))
                url = stack.enter_context(measurement_server(lab))
                port = stack.enter_context(iperf3_server(lab.server))
                open_ones[big_segments] = Bench(lab, url, port, csv_path, say)
            return open_ones[big_segments]

        yield bench
    readings = [reading for bench in open_ones.values() for reading in bench.readings]
    say(f"\nAll links together ({csv_path}):\n{summary(readings)}")
    far = [one for one in readings if one.instrument == "check" and one.right_verdict]
    undecided = sum(one.verdict == "undecided" for one in far)
    assert undecided <= len(far) / 4, "too many links far from the target are undecided"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> None:
    """The servers outlive a test here; the fixture above ends them."""


@pytest.mark.parametrize("loss_percent", LOSSES_PERCENT, ids="loss{}".format)
@pytest.mark.parametrize("round_trip_ms", ROUND_TRIPS_MS, ids="{}ms".format)
@pytest.mark.parametrize("rate_mbps", RATES_MBPS, ids="{}mbps".format)
def test_a_steady_link(
    benches: Callable[[bool], Bench], rate_mbps: int, round_trip_ms: int, loss_percent: float
) -> None:
    round_trip_s = round_trip_ms / 1000
    link = Link(
        LinkTrace.steady(rate_mbps * 1e6),
        round_trip_s,
        queue_bytes=max(int(rate_mbps * 1e6 / 8 * round_trip_s * QUEUE_ROUND_TRIPS), 30_000),
        loss=loss_percent / 100,
    )
    name = f"{rate_mbps} Mbps, {round_trip_ms} ms, {loss_percent} % loss"
    found = benches(False).compare(name, link)
    assert all(one.truth_bps for one in found.values()), "an instrument gave no reading"
    limits = {limit for one in found.values() for limit in one.self_limits}
    assert "other_traffic" not in limits, "our own bytes: nobody else is in the laboratory"
    if limits:
        pytest.skip("this computer was too busy to prove anything; see the table")
    if (check := found.get("check")) and check.right_verdict is not None:
        assert check.verdict in (check.right_verdict, "undecided")
    if (measure := found.get("measure")) and not loss_percent:
        assert abs(measure.error) <= 0.02, measure.note
        for other in ("iperf3", "speedtest-cli"):
            # Nearer than half a percent is not better: our own pings are part of the load.
            nearest = max(abs(found[other].error), 0.005) if other in found else 1.0
            assert abs(measure.error) <= nearest, other


@pytest.mark.realdata
@pytest.mark.parametrize("part", TRACE_PARTS, ids="from{}".format)
@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_recorded_link(benches: Callable[[bool], Bench], path: Path, part: float) -> None:
    trace = load_trace(path)
    link = Link(from_payload(trace, round(trace.duration_s * part)), TRACE_ROUND_TRIP_S)
    is_fast = max(link.trace.rates_bps) >= BIG_SEGMENTS_FROM_BPS
    found = benches(is_fast).compare(f"{path.name} from {part:.0%}", link)
    if (check := found.get("check")) and check.right_verdict and not check.self_limits:
        assert check.verdict in (check.right_verdict, "undecided"), check

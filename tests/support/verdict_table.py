"""What checks say of many links, counted against the capacity of each check's own stretch."""

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fieldsurvey.model.throughput import MeasurementPlan, Mode
from fieldsurvey.model.verdict import RateLayer, Target, Verdict
from fieldsurvey.throughput.link_trace import LinkTrace, load_trace
from fieldsurvey.throughput.modes import plan_for
from tests.support.simulated_link import (
    STEP_S,
    Floats,
    Played,
    capacity_of,
    download_bins,
    noise,
    play,
)

# Payload is compared with payload, so that no header stands between what is said and what is true.
TARGET = Target("payload-100", "test", 100_000_000, RateLayer.GOODPUT)
CHECK = plan_for(Mode.CHECK, server_url="http://simulated", target=TARGET)
MEASURE = plan_for(Mode.MEASURE, server_url="http://simulated", target=TARGET)
EVERY_S = 10.0
KMH_WHERE_UNKNOWN = 100.0
NOISE_WITHIN_SECONDS = (0.15, 0.5)  # variation, memory: what a recording per second does not tell


def steps_of(plan: MeasurementPlan) -> int:
    return round(plan.max_duration_us / 1e6 / STEP_S)


def play_all(
    rng: np.random.Generator,
    plan: MeasurementPlan,
    capacity_bps: Floats,
    round_trip_s: float,
    *,
    in_order: bool = False,
) -> list[Played]:
    """Play one test per row of ``capacity_bps``."""
    bins = download_bins(rng, capacity_bps, round_trip_s, plan.pace_bps, in_order=in_order)
    return [
        play(plan, TARGET, counts, capacity, round_trip_s)
        for counts, capacity in zip(bins, capacity_bps, strict=True)
    ]


def drawn_links(
    rng: np.random.Generator,
    tests: int,
    mean_bps: float,
    variation: float,
    memory: float,
    *,
    dips: bool = False,
) -> Floats:
    """Return capacities of lognormal AR(1) links; ``dips``: one handover each, 0.3 s at a tenth."""
    steps = steps_of(CHECK)
    capacity = mean_bps * noise(rng, tests, steps, variation, memory)
    if dips:
        starts = rng.integers(0, 250, size=tests)
        for row, start in zip(capacity, starts, strict=True):
            row[start : start + 30] *= 0.1
    return capacity


@dataclass(frozen=True, slots=True)
class Drive:
    """One recorded drive, and the checks made on it every 10 s."""

    name: str
    trace: LinkTrace
    starts_s: Sequence[float]
    checks: list[Played]
    metres: Floats  # at whole seconds

    @property
    def kind(self) -> str:
        """The groups that the data budget is stated for."""
        if "5g" in self.name:
            return "5G"
        return "satellite" if "starlink" in self.name else "4G"

    def full_bytes(self) -> float:
        """Return what tests of 10 s back to back would take: all that the link carries."""
        return self.trace.bits_until(self.trace.duration_s - 1e-6) / 8

    def kilometres(self, *, perfect: bool = False) -> list[tuple[float, float]]:
        """Return mean of the trace and mean of the checks' rates (bit/s) of each kilometre.

        ``perfect``: the trace's own 2 s instead of each check's rate.
        """
        pairs = []
        at_start = np.interp(self.starts_s, np.arange(len(self.metres)), self.metres)
        for metre in np.arange(0, self.metres[-1] - 999, 1000):
            begin_s, end_s = (float(np.searchsorted(self.metres, m)) for m in (metre, metre + 1000))
            inside = [i for i, m in enumerate(at_start) if metre <= m < metre + 1000]
            readings = [
                self._perfect_bps(i) if perfect else estimate.rate_bps
                for i in inside
                if (estimate := self.checks[i].estimate) is not None
            ]
            if readings and end_s > begin_s:
                bits = self.trace.bits_until(end_s) - self.trace.bits_until(begin_s)
                pairs.append((bits / (end_s - begin_s), float(np.mean(readings))))
        return pairs

    def _perfect_bps(self, index: int) -> float:
        start_s = self.starts_s[index]
        return (self.trace.bits_until(start_s + 2) - self.trace.bits_until(start_s)) / 2


def driven(
    rng: np.random.Generator, path: Path, round_trip_s: float, *, in_order: bool = False
) -> Drive:
    """Play a check every 10 s of a recorded drive."""
    trace = load_trace(path)
    steps = steps_of(CHECK)
    starts_s = list(np.arange(0, trace.duration_s - steps * STEP_S, EVERY_S))
    variation, memory = NOISE_WITHIN_SECONDS
    capacity = capacity_of(trace, starts_s, steps)
    capacity *= noise(rng, len(starts_s), steps, variation, memory)
    checks = play_all(rng, CHECK, capacity, round_trip_s, in_order=in_order)
    return Drive(path.name, trace, starts_s, checks, _metres(path, trace.duration_s))


def _metres(path: Path, duration_s: float) -> Floats:
    seconds = int(duration_s) + 1
    if path.suffix == ".csv":
        with path.open(encoding="utf-8") as lines:
            rows = [(float(row["t_s"]), float(row["speed_kmh"])) for row in csv.DictReader(lines)]
        times, speeds = zip(*rows, strict=True)
        kmh = np.interp(np.arange(seconds - 1), np.array(times) - times[0], speeds)
    else:
        kmh = np.full(seconds - 1, KMH_WHERE_UNKNOWN)
    return np.array([0.0, *itertools.accumulate(kmh / 3.6)])


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Shares are of the tests whose truth is 15 % or more away."""

    name: str
    tests: int
    far: int
    wrong: float
    undecided: float
    held: float  # intervals that held the truth, of all
    median_s: float
    below_60_mb: float  # the most of a test, in 10^6 bytes
    above_150_mb: float
    most_mb: float

    @classmethod
    def of(cls, name: str, played: Sequence[Played]) -> "Row":
        target_bps = TARGET.rate_bps
        far = [one for one in played if one.is_far(target_bps)]
        slow = [one.spent_bytes / 1e6 for one in played if one.truth_bps < 60e6]
        fast = [one.spent_bytes / 1e6 for one in played if one.truth_bps > 150e6]
        many = max(len(far), 1)
        return cls(
            name,
            len(played),
            len(far),
            sum(one.is_wrong(target_bps) for one in far) / many,
            sum(one.verdict is Verdict.UNDECIDED for one in far) / many,
            float(np.mean([one.holds_the_truth(CHECK.pace_bps) for one in played])),
            float(np.median([one.duration_s for one in played])),
            max(slow, default=0.0),
            max(fast, default=0.0),
            max(one.spent_bytes / 1e6 for one in played),
        )

    def __str__(self) -> str:
        return (
            f"{self.name:38} {self.tests:6} {self.far:6} {self.wrong:7.2%} {self.undecided:7.1%} "
            f"{self.held:6.1%} {self.median_s:5.2f} {self.below_60_mb:6.1f} "
            f"{self.above_150_mb:6.1f} {self.most_mb:6.1f}"
        )


HEADING = (
    f"{'':38} {'tests':>6} {'far':>6} {'wrong':>7} {'undec.':>7} {'held':>6} {'s':>5} "
    f"{'<60':>6} {'>150':>6} {'most':>6}"
)


def agreement(pairs: Sequence[tuple[float, float]]) -> tuple[int, float]:
    """Return how many kilometres are 15 % away, and in what share of them the checks agree."""
    target_bps = TARGET.rate_bps
    far = [pair for pair in pairs if abs(pair[0] / target_bps - 1) >= 0.15]
    agreed = sum((truth > target_bps) == (told > target_bps) for truth, told in far)
    return len(far), agreed / max(len(far), 1)

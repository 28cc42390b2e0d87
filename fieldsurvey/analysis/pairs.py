"""Before and after, or operator against operator, on the same kilometres.

Roads differ more than operators do, so a kilometre is compared with itself: each has one rate per
side, and what counts is on how many kilometres which side is faster. The sign test assumes nothing
of how rates are distributed. Must not compare kilometres that only one side has.

The two directions of a road are kept apart where it is known of all tests of a kilometre which way
they went. Where it is not known of some, the kilometre is compared as a whole: each of its tests
counts in one pair, and none is left without a partner.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.analysis.directions import directions
from fieldsurvey.analysis.independence import independent
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.ranks import median_ranks, ranked, sign_test
from fieldsurvey.analysis.rates import NO_SERVICE_BPS, rated_tests
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.model.messages import Message, message

KM_M = 1_000
ERROR = 0.05

# Rates are null where the side's middle test on that kilometre had no service.
PAIR_COLUMNS: dict[str, pl.DataType] = {
    "highway_ref": pl.String(),
    "from_m": pl.Int64(),
    "direction": pl.Int8(),  # 1 with the kilometre posts, -1 against them, 0 either or not known
    "tests_a": pl.Int64(),
    "bps_a": pl.Int64(),
    "tests_b": pl.Int64(),
    "bps_b": pl.Int64(),
    "ratio": pl.Float64(),  # b to a
}


class Comparison(StrEnum):
    FASTER = "faster"  # b than a
    SLOWER = "slower"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """``pairs``: ``PAIR_COLUMNS``, a row per kilometre (or what else ``length_m`` is) and direction
    that both sides have.

    ``faster`` and ``slower``: on how many b is than a; ``probability`` of so unequal numbers by
    chance. ``ratio``: the middle one of b to a, with the 95 % interval; None where the pairs are
    too few, or where that rank is a kilometre on which one side had no service.
    """

    pairs: pl.DataFrame
    faster: int
    slower: int
    probability: float
    verdict: Comparison
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    error_percent: float = 100 * ERROR
    length_m: int = KM_M


def compare(m: Measurements, a: Scope, b: Scope, length_m: int = KM_M) -> Paired:
    """Compare two scopes of the evidence, such as two operators or two periods."""
    evidence = m.evidence()
    keys = ["highway_ref", "from_m", "direction"]
    sides = [_on_kilometres(evidence, scope, length_m) for scope in (a, b)]
    unclear = pl.concat(sides).filter(direction=0).select("highway_ref", "from_m").unique()
    of_a, of_b = (
        _middle_rates(side, unclear, name) for side, name in zip(sides, "ab", strict=True)
    )
    joined = of_a.join(of_b, on=keys)
    rate_a, rate_b = joined["rate_a"].to_numpy(), joined["rate_b"].to_numpy()
    faster, slower = int((rate_b > rate_a).sum()), int((rate_b < rate_a).sum())
    probability = sign_test(faster, slower)
    verdict = Comparison.UNDECIDED
    if probability <= ERROR:
        verdict = Comparison.FASTER if faster > slower else Comparison.SLOWER
    ratio, low, high = _middle_ratio(rate_a, rate_b)
    shown = joined.with_columns(
        pl.when(pl.col(f"rate_{side}") != NO_SERVICE_BPS)
        .then(pl.col(f"rate_{side}"))
        .alias(f"bps_{side}")
        for side in "ab"
    ).with_columns(ratio=pl.col("bps_b") / pl.col("bps_a"))
    pairs = shown.select(pl.col(name).cast(kind) for name, kind in PAIR_COLUMNS.items())
    return Paired(
        *(pairs.sort(keys), faster, slower, probability, verdict, ratio, low, high),
        length_m=length_m,
    )


def pairs_sentence(paired: Paired, name_a: str, name_b: str) -> Message:
    """Say what came of a comparison."""
    about = {
        "a": name_a,
        "b": name_b,
        "pairs": len(paired.pairs),
        "faster": paired.faster,
        "slower": paired.slower,
        "percent": f"{100 - paired.error_percent:g}",
        "km": f"{paired.length_m / 1000:g}",
    }
    if paired.verdict is Comparison.UNDECIDED:
        return message("analysis.pairs_undecided", **about)
    sentence = message(f"analysis.pairs_{paired.verdict.value}", **about)
    if paired.ratio is None or paired.ratio_low is None or paired.ratio_high is None:
        return sentence
    return message(
        "analysis.pairs_ratio",
        sentence=sentence,
        ratio=f"{paired.ratio:.2f}",
        low=f"{paired.ratio_low:.2f}",
        high=f"{paired.ratio_high:.2f}",
    )


def _on_kilometres(evidence: Measurements, scope: Scope, length_m: int) -> pl.DataFrame:
    """Return ``highway_ref``, ``from_m``, ``direction`` and ``rate`` of each pass in scope: dead
    tests of a car that waits are many, and one look at the kilometre."""
    number = (pl.col("chainage_m") / length_m).floor().cast(pl.Int64)
    tests = rated_tests(scope.apply(evidence).tests).filter(
        pl.col("highway_ref").is_not_null(), pl.col("chainage_m").is_not_null()
    )
    tests = tests.filter(independent(tests, on_road=True))
    # By all of the evidence: a scope may leave out the seconds that tell.
    return tests.with_columns(directions(evidence, tests)).select(
        pl.col("highway_ref").cast(pl.String), "direction", "rate", from_m=number * length_m
    )


def _middle_rates(tests: pl.DataFrame, unclear: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the middle rate of each kilometre and direction; of a kilometre of ``unclear``, of all
    its tests."""
    place = ["highway_ref", "from_m"]
    as_whole = unclear.with_columns(as_whole=pl.lit(value=True))
    direction = pl.when(pl.col("as_whole").is_null()).then("direction").otherwise(0).cast(pl.Int8)
    middle = pl.col("rate").get((pl.len().cast(pl.Int64) - 1) // 2)
    return (
        tests.join(as_whole, on=place, how="left")
        .with_columns(direction=direction)
        .sort("rate")
        .group_by(*place, "direction")
        .agg(pl.len().cast(pl.Int64).alias(f"tests_{name}"), middle.alias(f"rate_{name}"))
    )


def _middle_ratio(
    rate_a: npt.NDArray[np.int64], rate_b: npt.NDArray[np.int64]
) -> tuple[float | None, float | None, float | None]:
    """Return the median of b to a with its interval. Without service on one side the ratio is
    beyond all others; without on both it says nothing."""
    silent_a, silent_b = rate_a == NO_SERVICE_BPS, rate_b == NO_SERVICE_BPS
    ratio = np.where(silent_b, -np.inf, np.where(silent_a, np.inf, rate_b / rate_a))
    ordered = np.sort(ratio[~(silent_a & silent_b)])
    bounds = median_ranks(len(ordered), ERROR)
    if bounds is None:
        return None, None, None
    low, high = (float(ordered[at]) for at in bounds)
    middle = ranked(ordered, 50)
    return _finite(middle), _finite(low), _finite(high)


def _finite(ratio: float) -> float | None:
    return ratio if np.isfinite(ratio) else None

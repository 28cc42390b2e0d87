"""The questions answered once more, by plain Python over the rows: dictionaries, lists and sorting,
and nothing of what the engines are given.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fieldsurvey.analysis.evidence import Question
from fieldsurvey.analysis.questions import Scope

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Key = tuple[Any, ...]

DAY_US = 86_400_000_000


def expected(question: Question, scope: Scope, rows: Rows) -> list[Key]:
    """Return the rows of the answer, sorted as answers are."""
    samples, tests = evidence(scope, rows)
    answered = _ANSWERS[question](samples, tests, scope)
    return sorted(answered, key=lambda row: [(value is None, value or 0) for value in row])


def evidence(scope: Scope, rows: Rows) -> tuple[list[Row], list[Row]]:
    """Return the seconds and tests that count, with operator, technology and day."""
    heard: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows["samples"]:
        if row["replayed"] is False and row["radio_technology"] is not None:
            heard[row["drive_id"], row["ts_utc_us"] // 1_000_000].add(row["radio_technology"])
    samples = [
        {**row, "technology": row["radio_technology"] or "unknown"} for row in rows["samples"]
    ]
    tests = []
    for row in rows["tests"]:
        if row["outcome"] in ("cancelled", "skipped"):
            continue
        if row["outcome"] == "completed" and row["download_outcome"] is None:
            continue
        second = row["ts_utc_us"] // 1_000_000
        near = heard.get((row["drive_id"], second)) or heard.get((row["drive_id"], second - 1))
        rate_bps = row["download_bps"] if row["download_outcome"] == "completed" else None
        technology = min(near) if near else "unknown"
        tests.append({**row, "technology": technology, "rate_bps": rate_bps})
    return [row for row in samples if _asked(row, scope)], [
        row for row in tests if _asked(row, scope)
    ]


def _asked(row: Row, scope: Scope) -> bool:
    doubtful = row["time_quality"] == "doubtful"
    row["day"] = None if doubtful else row["ts_utc_us"] // DAY_US * DAY_US
    if row["replayed"] is not False:
        return False
    if scope.operator is not None and row["operator"] != scope.operator:
        return False
    if scope.first_utc_us is not None and (doubtful or row["ts_utc_us"] < scope.first_utc_us):
        return False
    return scope.end_utc_us is None or not (doubtful or row["ts_utc_us"] >= scope.end_utc_us)


def _grouped(rows: Iterable[Row], keys: Sequence[str]) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def _measured(samples: list[Row], tests: list[Row], keys: Sequence[str]) -> list[Key]:
    seconds, tried = _grouped(samples, keys), _grouped(tests, keys)
    answer = []
    for key in seconds.keys() | tried.keys():
        row: list[Any] = [*key, None, None, None, None, None, None]
        if key in seconds:
            served = sum(one["reachable"] is True for one in seconds[key])
            row[-6:-4] = len(seconds[key]), served
        if key in tried:
            rates = sorted(one["rate_bps"] for one in tried[key] if one["rate_bps"] is not None)
            row[-4:] = (
                len(tried[key]),
                len(tried[key]) - len(rates),
                _percentile(rates, 10),
                _percentile(rates, 50),
            )
        answer.append(tuple(row))
    return answer


def _percentile(rates: list[int], percent: int) -> int | None:
    return rates[math.ceil(len(rates) * percent / 100) - 1] if rates else None


def _coverage(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    rows = _measured(samples, [], [f"h3_{scope.resolution}", "operator", "technology"])
    return [row[:-4] for row in rows]


def _speed(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    rows = _measured([], tests, [f"h3_{scope.resolution}", "operator", "technology"])
    return [(*row[:-6], *row[-4:]) for row in rows]


def _days(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    return _measured(samples, tests, ["day", "operator", "technology"])


def _rates(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    for row in tests:
        rate_bps = row["rate_bps"]
        row["step"] = None if rate_bps is None else rate_bps // 10_000_000 * 10_000_000
    groups = _grouped(tests, ["step", "operator", "technology"])
    return [(*key, len(rows)) for key, rows in groups.items()]


def _causes(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    keys = ["why", "operator", "technology"]
    without = [{**row, "why": row["cause"]} for row in samples if row["reachable"] is False]
    failed = [
        {**row, "why": row["download_cause"] or row["cause"]}
        for row in tests
        if row["rate_bps"] is None
    ]
    seconds, tried = _grouped(without, keys), _grouped(failed, keys)
    return [
        (*key, len(seconds.get(key, ())), len(tried.get(key, ())))
        for key in seconds.keys() | tried.keys()
    ]


def _gaps(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    answer = []
    for (drive_id,), rows in _grouped(samples, ["drive_id"]).items():
        times = sorted(row["ts_utc_us"] for row in rows if row["day"] is not None)
        steps = [after - before for before, after in itertools.pairwise(times)]
        missing = [step - 1_000_000 for step in steps if step > 1_500_000]
        device, undated = rows[0]["device"], len(rows) - len(times)
        found = (len(missing), sum(missing), max(missing, default=0))
        answer.append((drive_id, device, len(rows), undated, *found))
    return answer


def _extent(samples: list[Row], tests: list[Row], scope: Scope) -> list[Key]:
    placed = [row for row in samples if row["h3_9"] is not None]
    times = [row["ts_utc_us"] for row in samples if row["day"] is not None]
    row: list[Any] = [len(samples), len(placed)]
    row += [len({one[name] for one in samples}) for name in ("device", "drive_id")]
    row += [min(times, default=None), max(times, default=None)]
    for name in ("fix_latitude_deg", "fix_longitude_deg"):
        values = [one[name] for one in placed]
        row += [min(values, default=None), max(values, default=None)]
    return [tuple(row)]


_ANSWERS: dict[Question, Callable[[list[Row], list[Row], Scope], list[Key]]] = {
    Question.COVERAGE: _coverage,
    Question.SPEED: _speed,
    Question.DAYS: _days,
    Question.RATES: _rates,
    Question.CAUSES: _causes,
    Question.GAPS: _gaps,
    Question.EXTENT: _extent,
}

"""Sentences of the first page: neighbouring stretches of one verdict are said together.

A run is as many verdicts as it has stretches, never one over all of them. Must not judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fieldsurvey.analysis.sentence import verdict_sentence
from fieldsurvey.model.messages import Message, message
from fieldsurvey.report.kilometres import Stretch
from fieldsurvey.report.wording import Wording

_STEP_M = 100  # finer, no kilometre is printed


def runs_of(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Return the driven stretches, grouped where neighbours have one operator and one verdict."""
    driven = [one for one in stretches if one.row is not None]
    runs: list[list[Stretch]] = []
    for _, same in groupby(driven, lambda one: (one.ref, one.operator)):
        for one in same:
            last = runs[-1][-1] if runs else None
            if last is not None and _continues(last, one):
                runs[-1].append(one)
            else:
                runs.append([one])
    return runs


def run_sentence(run: Sequence[Stretch], rate_bps: int, wording: Wording) -> Message:
    """Return what can be said of a run; of one stretch, the sentence that is said everywhere."""
    first, last = run[0], run[-1]
    rows: list[Any] = [one.row for one in run]
    end_m = round(last.to_m / _STEP_M) * _STEP_M
    place = message(
        "analysis.stretch",
        ref=first.ref,
        from_km=wording.km(first.from_m),
        to_km=wording.km(end_m),
    )
    if len(run) == 1:
        return verdict_sentence(place, rows[0], rate_bps)
    if first.operator:
        place = message("analysis.of_operator", place=place, operator=first.operator)
    sentence = message(
        f"report.run_{_kind(first)}",
        place=place,
        number=len(run),
        mbps=wording.mbps(rate_bps),
        tests=wording.number(sum(row["tests"] for row in rows)),
        percent=wording.number(100 - rows[0]["error_percent"]),
        needed=wording.number(sum(row["tests_needed"] for row in rows)),
    )
    silent = sum(row["no_service"] for row in rows)
    if silent and first.word != "undecided":
        return message("analysis.with_no_service", sentence=sentence, no_service=silent)
    return sentence


def _kind(one: Stretch) -> str:
    return "stale" if one.row is not None and one.row["stale"] else one.word


def _continues(before: Stretch, after: Stretch) -> bool:
    same = (before.ref, before.operator, _kind(before)) == (after.ref, after.operator, _kind(after))
    return same and before.to_m == after.from_m

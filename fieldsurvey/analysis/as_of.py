"""What was measured up to a moment: a verdict of a day in the past must not know what came later.

Must not leave out what has no time: whoever needs one asks for it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.messages import message


def until(m: Measurements, now_utc_us: int) -> Measurements:
    """Return ``m`` without what is dated later than ``now_utc_us``, and with a note of how much of
    the evidence that is: a laptop's wrong clock may be the reason."""
    after_now = later("utc_us", now_utc_us), later("started_utc_us", now_utc_us)
    if not any(
        rows.select(after.any()).item()
        for rows, after in zip((m.samples, m.tests), after_now, strict=True)
    ):
        return m
    found = replace(m, samples=m.samples.filter(~after_now[0]), tests=m.tests.filter(~after_now[1]))
    before, after = m.evidence(), found.evidence()
    moment = datetime.fromtimestamp(now_utc_us // US_PER_S, UTC)
    clock = moment + timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H)
    note = message(
        "analysis.dated_later",
        as_of=f"{clock:%Y-%m-%d %H:%M}",
        tests=len(before.tests) - len(after.tests),
        seconds=len(before.samples) - len(after.samples),
    )
    if len(before.tests) + len(before.samples) > len(after.tests) + len(after.samples):
        found = replace(found, notes=(*found.notes, note))
    return found


def later(time: str, now_utc_us: int) -> pl.Expr:
    """Return whether that column's time is after ``now_utc_us``; what has none is not."""
    return (pl.col(time) > now_utc_us).fill_null(value=False)

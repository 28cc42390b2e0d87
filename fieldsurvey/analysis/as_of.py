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
    """Return ``m`` without the evidence that is dated later than ``now_utc_us``, and with a note of
    how much that is: a laptop's wrong clock may be the reason."""
    kept, left_out = [], []
    for rows, time in ((m.samples, "utc_us"), (m.tests, "started_utc_us")):
        is_later = rows.select(later(time, now_utc_us)).to_series()
        if is_later.any():
            is_later &= m.drives["replayed"].eq_missing(other=False).gather(rows["drive"])
        left_out.append(is_later.sum())
        kept.append(rows.filter(~is_later) if left_out[-1] else rows)
    if not any(left_out):
        return m
    moment = datetime.fromtimestamp(now_utc_us // US_PER_S, UTC)
    clock = moment + timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H)
    seconds, tests = left_out
    note = message(
        "analysis.dated_later", as_of=f"{clock:%Y-%m-%d %H:%M}", tests=tests, seconds=seconds
    )
    return replace(m, samples=kept[0], tests=kept[1], notes=(*m.notes, note))


def replayed_until(m: Measurements, now_utc_us: int) -> int:
    """Return ``now_utc_us``, or when replayed drives end if that is later: their clock runs as fast
    as the replay, so that one of an hour is ahead of ours when it ends."""
    replayed = m.drives.with_row_index("drive").filter("replayed")["drive"]
    shown = m.of_drives(replayed)
    ends = (shown.samples["utc_us"].max(), shown.tests["started_utc_us"].max())
    return max([now_utc_us, *(end for end in ends if isinstance(end, int))])


def later(time: str, now_utc_us: int) -> pl.Expr:
    """Return whether that column's time is after ``now_utc_us``; what has none is not."""
    return (pl.col(time) > now_utc_us).fill_null(value=False)

"""What an event's hours come to in one sentence: its busy hour, against that of a usual day."""

import polars as pl

from fieldsurvey.analysis.event import ERROR
from fieldsurvey.model.messages import Message, message


def busy_sentence(hours: pl.DataFrame) -> Message | None:
    """Say of the hours of :func:`fieldsurvey.analysis.event.compare_days` which was the busy one
    and how it was. None where no hour has enough tests to rank. Of several that are equally low,
    the first is told, with how many more there are."""
    busy = hours.filter("busy")
    if busy.is_empty():
        return None
    row = busy.row(0, named=True)
    about = {
        "hour": row["hour"],
        "next": row["hour"] + 1,
        "event": _median(row["event_p50_bps"]),
        "tests": row["event_tests"],
        "no_service": row["event_no_service"],
        "percent": f"{100 - 100 * ERROR:g}",
    }
    if row["baseline_tests"]:
        about["baseline_tests"] = row["baseline_tests"]
        about["baseline_no_service"] = row["baseline_no_service"]
        sentence = message(f"analysis.event_busy_{row['verdict']}", **about)
    else:
        sentence = message("analysis.event_busy_alone", **about)
    if len(busy) > 1:
        return message("analysis.event_busy_more", sentence=sentence, more=len(busy) - 1)
    return sentence


def _median(rate_bps: int | None) -> Message:
    """Return a median that was ranked: without a rate, its rank had no service."""
    if rate_bps is None:
        return message("analysis.event_rank_silent")
    return message("analysis.event_rank_mbps", mbps=f"{rate_bps // 100_000 / 10:g}")

"""What an event's hours come to in one sentence: its busy hour, against that of a usual day.

Hours may be equally low, as where a network was silent all evening. One of them is never picked
out: those that follow each other are told as one span, and others as none that stands out.
"""

import polars as pl

from fieldsurvey.analysis.event import ERROR
from fieldsurvey.analysis.rates import FEWEST_RANKED
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.rates import mbps_text

Span = tuple[int, int]  # first hour of the clock, and the one after the last


def busy_span(hours: pl.DataFrame) -> Span | None:
    """Return the busy hour of :func:`fieldsurvey.analysis.event.compare_days`, or all of several
    that are equally low and follow each other; None where no time stands out."""
    spans = _spans(hours.filter("busy")["hour"].to_list())
    busy, ranked = hours["busy"].sum(), (hours["event_tests"] >= FEWEST_RANKED).sum()
    return spans[0] if len(spans) == 1 and (busy == 1 or busy < ranked) else None


def busy_sentence(hours: pl.DataFrame) -> Message | None:
    """Say of the hours of :func:`fieldsurvey.analysis.event.compare_days` which was the busy one
    and how it was, or the same of those equally low. None where no hour has enough tests to rank.
    """
    busy = hours.filter("busy")
    if busy.is_empty():
        return None
    row = busy.row(0, named=True)
    counts = ("event_tests", "event_no_service", "baseline_tests", "baseline_no_service")
    tests, no_service, usual_tests, usual_no_service = (busy[name].sum() for name in counts)
    about = {
        "event": _median(row["event_p50_bps"]),
        "tests": tests,
        "no_service": no_service,
        "percent": f"{100 - 100 * ERROR:g}",
    }
    if usual_tests:
        about |= {"baseline_tests": usual_tests, "baseline_no_service": usual_no_service}
    if len(busy) == 1:
        word = row["verdict"] if usual_tests else "alone"
        about |= {"hour": row["hour"], "next": row["hour"] + 1}
        return message(f"analysis.event_busy_{word}", **about)
    about |= {
        "hours": len(busy),
        "worse": (busy["verdict"] == "worse").sum(),
        "better": (busy["verdict"] == "better").sum(),
    }
    how = message(f"analysis.event_alike{'' if usual_tests else '_alone'}", **about)
    if span := busy_span(hours):
        return message("analysis.event_busy_span", span=_clock(span), how=how)
    spans = ", ".join(map(_clock, _spans(busy["hour"].to_list())))
    return message("analysis.event_busy_nowhere", hours=len(busy), spans=spans, how=how)


def _spans(hours: list[int]) -> list[Span]:
    """Return hours, which rise, with those that follow each other as one."""
    spans: list[Span] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1] = spans[-1][0], hour + 1
        else:
            spans.append((hour, hour + 1))
    return spans


def _clock(span: Span) -> str:
    return f"{span[0]}:00–{span[1]}:00"


def _median(rate_bps: int | None) -> Message:
    """Return a median that was ranked: without a rate, its rank had no service."""
    if rate_bps is None:
        return message("analysis.event_rank_silent")
    return message("analysis.event_rank_mbps", mbps=mbps_text(rate_bps))

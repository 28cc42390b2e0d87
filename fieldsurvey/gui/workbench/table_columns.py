"""What stands in the columns of each table. Nothing missing is 0: without a value, a dash."""

import math
from collections.abc import Callable

from fieldsurvey.analysis.sentence import more_tests
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.annotations import Annotation
from fieldsurvey.gui.workbench.results import FEWEST, outlook_of
from fieldsurvey.gui.workbench.saying import percent
from fieldsurvey.gui.workbench.table_model import Column, Row
from fieldsurvey.gui.workbench.words import clock, day, word_of
from fieldsurvey.model.messages import message
from fieldsurvey.model.shares import whole_interval

_VERDICTS = {"above": Outlook.ABOVE, "below": Outlook.BELOW, "undecided": Outlook.UNDECIDED}


def _word(name: str, *, field: str = "") -> Column:
    return Column(
        f"wb_field_{field or name}",
        lambda texts, row: word_of(texts, field or name, row[name]) if row[name] else "",
        name,
    )


def _ms(title_id: str, name: str) -> Column:
    def text(texts: Texts, row: Row) -> str:
        return "" if row[name] is None else texts.number(row[name] / 1000)

    return Column(title_id, text, name, is_number=True)


def number(title_id: str, name: str) -> Column:
    """Return a column of whole numbers."""
    return Column(title_id, lambda texts, row: texts.number(row[name]), name, is_number=True)


def _has_rate(row: Row) -> bool:
    return outlook_of(row["result"] or "") in _VERDICTS.values()


def _rate(texts: Texts, row: Row) -> str:
    """The rate where it stands for the place; what our own side limited has none."""
    rate_bps = row["compared_bps"] if row["compared_bps"] is not None else row["download_bps"]
    return texts.rate(rate_bps / 1e6) if _has_rate(row) and rate_bps is not None else ""


def _interval(texts: Texts, row: Row) -> str:
    """The interval, in the layer of the rate before it."""
    low, high, rate = (row[f"download{part}_bps"] for part in ("_low", "_high", ""))
    if not _has_rate(row) or row["confidence"] == "low" or None in (low, high) or not rate:
        return ""
    scale = (row["compared_bps"] or rate) / rate / 1e6
    return f"{texts.rate(low * scale)}–{texts.rate(high * scale)}"


def _where(texts: Texts, row: Row) -> str:
    if row["highway_ref"] and row["chainage_m"] is not None:
        # Cut, as judging does: what lies before a kilometre must not stand on it.
        km = texts.number(math.floor(row["chainage_m"] / 100) / 10, 1)
        return f"{row['highway_ref']} {texts.tr('wb_km', km=km)}"
    return row["settlement_name"] or row["settlement_id"] or ""


def _result(texts: Texts, row: Row) -> str:
    words = word_of(texts, "result", row["result"])
    if not row["cause"]:
        return words
    return f"{words}: {texts.say(message('cause.' + row['cause']))}"


def test_columns(annotation_of: Callable[[str], Annotation]) -> tuple[Column, ...]:
    """Return the columns of the table of tests."""

    def notes(texts: Texts, row: Row) -> str:
        note = annotation_of(row["test_id"])
        tags = " ".join(f"#{tag}" for tag in note.tags)
        left_out = note.excluded and texts.tr("wb_left_out", reason=note.excluded)
        return " · ".join(part for part in (left_out, note.note, tags) if part)

    return (
        Column("wb_col_time", lambda _texts, row: clock(row["started_utc_us"]), "started_utc_us"),
        Column("wb_col_where", _where, "chainage_m"),
        _word("operator"),
        _word("technology"),
        Column(
            "wb_field_result", _result, "result", sign=lambda row: outlook_of(row["result"] or "")
        ),
        Column("wb_col_mbps", _rate, "compared_bps", is_number=True),
        Column("wb_col_interval", _interval, "download_low_bps", is_number=True),
        _ms("wb_col_idle", "idle_latency_us"),
        _ms("wb_col_loaded", "download_latency_us"),
        _word("trigger"),
        Column("wb_col_notes", notes, "test_id"),
    )


TEST_FRAME = (
    "test_id", "started_utc_us", "highway_ref", "chainage_m", "settlement_id", "settlement_name",
    "operator", "technology", "result", "cause", "confidence", "compared_bps", "download_bps",
    "download_low_bps", "download_high_bps", "idle_latency_us", "download_latency_us", "trigger",
)  # fmt: skip


def _verdict(texts: Texts, row: Row) -> str:
    if row["stale"]:
        return texts.tr("wb_stale")
    return word_of(texts, "verdict", row["verdict"])


def _needed(texts: Texts, row: Row) -> str:
    return texts.say(more_tests(row["tests_needed"])) if row["tests_needed"] else ""


def _share(texts: Texts, row: Row) -> str:
    """The share with its interval, of as many tests as a share needs in the report."""
    if not row["tests"]:
        return ""
    if row["above"] + row["below"] + row["no_service"] < FEWEST:
        return texts.say(message("report.too_few"))
    low, high = map(texts.number, whole_interval(row["share_low"], row["share_high"]))
    return f"{percent(texts, row['share_above'])}\u00a0% ({low}–{high}\u00a0%)"


def _ranked(title_id: str, name: str) -> Column:
    """A rate by rank; where it has none, why: too few tests, or that rank had no service."""

    def text(texts: Texts, row: Row) -> str:
        if row[name] is not None:
            return texts.rate(row[name] / 1e6)
        if not row["tests"]:
            return ""
        why = "too_few" if row["tests"] < FEWEST else "rank_no_service"
        return texts.say(message(f"report.{why}"))

    return Column(title_id, text, name, is_number=True)


def _verdict_columns() -> tuple[Column, ...]:
    return (
        _word("operator"),
        Column("wb_col_verdict", _verdict, "verdict", sign=lambda row: _VERDICTS[row["verdict"]]),
        number("wb_col_tests", "tests"),
        Column("wb_col_share", _share, "share_above", is_number=True),
        Column("wb_col_needed", _needed, "tests_needed"),
        number("wb_col_no_service", "no_service"),
        _ranked("wb_col_median", "median_bps"),
        _ranked("wb_col_p10", "p10_bps"),
        Column(
            "wb_col_newest",
            lambda _texts, row: "" if row["newest_utc_us"] is None else day(row["newest_utc_us"]),
            "newest_utc_us",
        ),
        number("wb_col_seconds", "seconds"),
    )


def km_of(texts: Texts, row: Row) -> str:
    """Return the kilometres of a stretch, "10–20"; "30–34.3" where the highway ends there."""
    low, high = (round(row[end] / 100) / 10 for end in ("from_m", "to_m"))
    decimals = 0 if row["to_m"] - row["from_m"] >= 1000 else 1
    last = decimals if high == int(high) else 1
    return f"{texts.number(low, decimals)}–{texts.number(high, last)}"


STRETCHES = (
    Column("wb_field_highway_ref", lambda _texts, row: row["highway_ref"], "highway_ref"),
    Column("wb_col_km", km_of, "from_m", is_number=True),
    *_verdict_columns(),
)
SETTLEMENTS = (
    Column(
        "wb_field_settlement_id",
        lambda _texts, row: row["settlement_name"] or row["settlement_id"],
        "settlement_name",
    ),
    *_verdict_columns(),
)

"""``fieldsurvey analyse``: what surveys and archives say of places, in sentences or as JSON."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from fieldsurvey.cli.analyse_options import (
    Analysis,
    analysis_options,
    period_of,
    scope_of,
    whole_options,
)
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.rates import mbps_text
from fieldsurvey.model.shares import whole_interval, whole_percent

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.targets_board import BoardRow

_LENGTH = click.option(
    "--length-km", type=click.FloatRange(min=0.1), default=10.0, show_default=True,
    help="Of a stretch. Ten are judged; shorter ones mostly show that data lack.",
)  # fmt: skip


@click.group(name="analyse")
def command() -> None:
    """Judge what survey files and archives (of `sync fetch`) hold: places, promises, pairs."""


@command.command(name="coverage")
@analysis_options
@_LENGTH
def coverage(analysis: Analysis, length_km: float) -> None:
    """Highways, stretch by stretch: above, below, or how many more tests are needed."""
    from fieldsurvey.analysis.register import ended
    from fieldsurvey.analysis.sentence import stretch_sentence
    from fieldsurvey.analysis.stretches import judge_stretches

    length_m = round(length_km * 1000)
    judged = judge_stretches(
        analysis.measurements,
        analysis.target,
        analysis.scope,
        length_m,
        now_utc_us=analysis.now_utc_us,
        by=analysis.by,
    )
    if analysis.places is not None:
        judged = ended(judged, analysis.places, length_m)
    _tell_verdicts(analysis, "coverage", judged, stretch_sentence)


@command.command(name="settlements")
@analysis_options
def settlements(analysis: Analysis) -> None:
    """Settlements, one verdict each."""
    from fieldsurvey.analysis.sentence import settlement_sentence
    from fieldsurvey.analysis.settlements import judge_settlements

    judged = judge_settlements(
        analysis.measurements,
        analysis.target,
        analysis.scope,
        now_utc_us=analysis.now_utc_us,
        by=analysis.by,
    )
    named = _in_the_readers_language(judged, analysis)
    _tell_verdicts(analysis, "settlements", named, settlement_sentence)


@command.command(name="cells")
@analysis_options
@click.option(
    "--resolution",
    type=click.IntRange(0, 9),
    default=8,
    show_default=True,
    help="Of H3: 8 is 0.7 km², 9 a seventh of it.",
)
def cells(analysis: Analysis, resolution: int) -> None:
    """The territory of a city, or any ground, in H3 cells, one verdict each."""
    import polars as pl

    from fieldsurvey.analysis.cells import judge_cells
    from fieldsurvey.analysis.sentence import cell_sentence

    judged = judge_cells(
        analysis.measurements,
        analysis.target,
        analysis.scope,
        now_utc_us=analysis.now_utc_us,
        resolution=resolution,
        by=analysis.by,
    )
    # As H3's own tools write them: as numbers they are too large for many who read JSON.
    named = judged.with_columns(
        cell=pl.Series([f"{cell:x}" for cell in judged["cell"]], dtype=pl.String)
    )

    def sentence(row: Mapping[str, Any], rate_bps: int) -> Message:
        return cell_sentence({**row, "cell": int(row["cell"], 16)}, rate_bps)

    _tell_verdicts(analysis, "cells", named, sentence)


def _in_the_readers_language(judged: "pl.DataFrame", analysis: Analysis) -> "pl.DataFrame":
    """Return the settlements with the names of the places file, else those recorded with tests."""
    import polars as pl

    if analysis.places is None:
        return judged
    names = analysis.places.settlements().names_in(analysis.shell.language)
    known = pl.col("settlement_id").replace_strict(names, default=None, return_dtype=pl.String())
    return judged.with_columns(settlement_name=pl.coalesce(known, "settlement_name"))


@command.command(name="targets")
@whole_options
def targets(analysis: Analysis) -> None:
    """The promises of the national programme: met, not met, or what lacks."""
    from fieldsurvey.analysis.programme import load_programme
    from fieldsurvey.analysis.targets_board import board

    programme = load_programme(analysis.targets_path)
    m = analysis.scope.apply(analysis.measurements)
    rows = board(m, programme, analysis.places, analysis.now_utc_us)
    documents = [
        dataclasses.asdict(row)
        | {
            "text": row.text.text(analysis.shell.language),
            "missing": [note.text(analysis.shell.language) for note in row.missing],
        }
        for row in rows
    ]
    lines = (line for row in rows for line in board_lines(row))
    analysis.finish("targets", documents, lines, programme_version=programme.version)


@command.command(name="pairs")
@whole_options
@click.option("--a", "side_a", required=True, metavar="WORD=VALUE[,...]", help="One side.")
@click.option(
    "--b", "side_b", required=True, metavar="WORD=VALUE[,...]",
    help="The other: operator=, access_type=, technology=, campaign=, from=DAY, to=DAY.",
)  # fmt: skip
@click.option("--length-km", type=click.FloatRange(min=0.1), default=1.0, show_default=True)
def pairs(analysis: Analysis, side_a: str, side_b: str, length_km: float) -> None:
    """Two operators, or before and after, on the same kilometres."""
    from fieldsurvey.analysis.pairs import compare, pairs_sentence

    m = analysis.scope.apply(analysis.measurements)
    a, b = (scope_of(text, name) for text, name in ((side_a, "--a"), (side_b, "--b")))
    if a == b:
        raise click.BadParameter("the same as --a", param_hint="--b")
    for side in (a, b):
        side.check(analysis.opened)
    paired = compare(m, a, b, round(length_km * 1000))
    sentence = pairs_sentence(paired, side_a, side_b)
    found = {
        field.name: getattr(paired, field.name)
        for field in dataclasses.fields(paired)
        if field.name != "pairs"
    }
    found |= {"a": side_a, "b": side_b, "sentence": sentence.text(analysis.shell.language)}
    analysis.finish("pairs", paired.pairs.to_dicts(), [sentence], **found)


@command.command(name="event")
@whole_options
@click.option("--day", required=True, help="The event's, YYYY-MM-DD by Kazakhstan's clock.")
@click.option("--baseline", help="A usual day, YYYY-MM-DD.")
def event(analysis: Analysis, day: str, baseline: str | None) -> None:
    """Laptops at fixed points: percentiles over the day, each hour against a usual day's."""
    from fieldsurvey.analysis.event import compare_days, event_series
    from fieldsurvey.analysis.event_sentence import busy_sentence

    m = analysis.scope.apply(analysis.measurements)
    of_event = period_of(day, "--day")
    busy: Message | None = None
    if baseline is None:
        found, words = event_series(m, of_event), "analysis.event_bin"
    else:
        found = compare_days(m, of_event, period_of(baseline, "--baseline"))
        words, busy = "analysis.event_hour", busy_sentence(found)
    lines = [message(words, **_shown(row)) for row in found.iter_rows(named=True)]
    lines += [] if busy is None else [busy]
    said = None if busy is None else busy.text(analysis.shell.language)
    analysis.finish("event", found.to_dicts(), lines, day=day, baseline=baseline, sentence=said)


@command.command(name="gaps")
@analysis_options
@_LENGTH
def gaps(analysis: Analysis, length_km: float) -> None:
    """What to drive next; and how far each crew came, day by day."""
    import polars as pl

    from fieldsurvey.analysis.gaps import find_gaps, progress
    from fieldsurvey.analysis.stretches import judge_stretches

    length_m = round(length_km * 1000)
    m, now_utc_us = analysis.scope.apply(analysis.measurements), analysis.now_utc_us
    judged = judge_stretches(
        m, analysis.target, length_m=length_m, now_utc_us=now_utc_us, by=analysis.by
    )
    # Also of who has tests in villages only, as a plan does.
    tested = m.evidence().tests["operator"].cast(pl.String).unique().to_list()
    found = find_gaps(judged, analysis.target, analysis.places, length_m, tested)
    crews = progress(m, judged, analysis.target, now_utc_us, length_m)
    lines = [_gap_line(row) for row in found.iter_rows(named=True)]
    lines += [message("analysis.progress", **_shown(row)) for row in crews.iter_rows(named=True)]
    analysis.finish("gaps", found.to_dicts(), lines, progress=crews.to_dicts())


def _tell_verdicts(
    analysis: Analysis,
    question: str,
    judged: "pl.DataFrame",
    sentence_of: Callable[[Mapping[str, Any], int], Message],
) -> None:
    """Say of each place its sentence, with the figures it rests on below it."""
    documents, lines = [], []
    for row in judged.iter_rows(named=True):
        sentence = sentence_of(row, analysis.target.rate_bps)
        documents.append(row | {"sentence": sentence.text(analysis.shell.language)})
        lines.append(sentence)
        if row["tests"]:
            lines.append(message("analysis.figures", **_shown(row)))
        if row["seconds"]:
            lines.append(message("analysis.figures_seconds", **_shown(row)))
    analysis.finish(question, documents, lines, _why_nowhere(analysis))


def _why_nowhere(analysis: Analysis) -> Message:
    """Return why no place of a kind is judged: nothing was measured, or it lies in none of them."""
    from fieldsurvey.analysis.judging import evidence
    from fieldsurvey.analysis.sentence import grouped

    there = evidence(analysis.measurements, analysis.scope)
    tests, seconds = len(there.tests), len(there.samples)
    if tests + seconds == 0:
        return message("analysis.nothing_to_judge")
    return message("analysis.nowhere", tests=grouped(tests), seconds=grouped(seconds))


def board_lines(row: "BoardRow") -> Iterable[Message]:
    """Yield a promise with its verdict, what is known, and what lacks."""
    from fieldsurvey.analysis.sentence import grouped

    yield message(
        "analysis.board_row",
        promise=row.text,
        verdict=message(f"analysis.board_{row.verdict.value}"),
        version=row.target_version,
    )
    if row.value is not None or row.low is not None:
        ends = {
            name: "–" if value is None else _board_number(value, row.unit)
            for name, value in (("value", row.value), ("low", row.low), ("high", row.high))
        }
        yield message(
            f"analysis.board_value_{row.unit}",
            **ends,
            tests=grouped(row.tests),
            settlements=grouped(row.settlements),
            km=grouped(row.km),
            cells=grouped(row.cells),
            newest=_day(row.newest_utc_us),
        )
    for note in row.missing:
        yield message("analysis.board_missing", note=note)


def _board_number(value: float, unit: str) -> str:
    from fieldsurvey.analysis.sentence import grouped

    if unit == "km":
        return grouped(value)
    if unit == "bps":
        return mbps_text(value)
    # Cut as well: 100 is said of all only. The small addend keeps 29 % from reading 28.99.
    return f"{math.floor(value * 1e4 + 1e-6) / 100:g}"


def _gap_line(row: Mapping[str, Any]) -> Message:
    from fieldsurvey.analysis.sentence import more_tests

    place = message(
        "analysis.stretch",
        ref=row["highway_ref"],
        from_km=f"{row['from_m'] / 1000:g}",
        to_km=f"{row['to_m'] / 1000:g}",
    )
    if row.get("operator"):
        place = message("analysis.of_operator", place=place, operator=row["operator"])
    reason = message(f"analysis.gap_{row['reason']}")
    return message("analysis.gap", place=place, reason=reason, more=more_tests(row["tests_needed"]))


def _shown(row: Mapping[str, Any]) -> dict[str, object]:
    """Return a row's values as people read them: Mbps, days, percent, a dash for nothing."""
    shown: dict[str, object] = {}
    for name, value in row.items():
        if value is None:
            shown[name] = "–"
        elif name.endswith("_bps"):
            shown[name] = mbps_text(value)
        elif name == "bin_utc_us":
            shown[name] = _clock(value)
        elif name.endswith("_utc_us"):
            shown[name] = _day(value)
        elif name in ("share_low", "share_high"):
            shown[name] = whole_interval(value, value)[name == "share_high"]
        elif name.startswith("share"):
            shown[name] = whole_percent(value)
        elif name == "verdict":
            shown[name] = message(f"analysis.word_{value}")
        else:
            shown[name] = value
    return shown


def _day(utc_us: int | None) -> str:
    return "–" if utc_us is None else _clock(utc_us)[:10]


def _clock(utc_us: int) -> str:
    """Return Kazakhstan's time of day."""
    from datetime import UTC, datetime, timedelta

    from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H

    moment = datetime.fromtimestamp(utc_us / 1e6, UTC) + timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H)
    return moment.strftime("%Y-%m-%d %H:%M")

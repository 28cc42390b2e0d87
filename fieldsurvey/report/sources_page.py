"""Where the numbers come from: files, drives, laptops, instruments. For who wants to check them.

Names and ids only: no path, no address, nothing of the computer that printed this.
"""

from __future__ import annotations

import polars as pl

from fieldsurvey import __version__
from fieldsurvey.analysis.scope import OF_LINKS
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.blocks import Block, Column, Facts, Heading, Paragraph, Points, Row, Table
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.places_tables import access, operator_name
from fieldsurvey.report.wording import DASH, Wording

MOST_DRIVES = 60


def sources_pages(findings: Findings, places: Places | None, wording: Wording) -> list[Block]:
    """Return files, places, drives and instruments of what counts."""
    m = findings.m
    drives = _drives(findings)
    highways = wording.tr("report.no_places")
    if places is not None:
        files = ", ".join(f"{one.name} ({one.sha256[:12]})" for one in places.report.sources)
        highways = wording.tr("report.places_version", version=places.version, files=files)
    devices = drives["device"].drop_nulls().unique().sort().to_list()
    pairs = (
        (wording.tr("report.fact_files"), ", ".join(m.sources) or DASH),
        (wording.tr("report.fact_places"), highways),
        (wording.tr("report.fact_drives"), wording.number(len(drives))),
        (wording.tr("report.fact_recorded_by"), _recorded_by(drives, wording)),
        (wording.tr("report.fact_devices"), ", ".join(devices) or wording.tr("report.unknown")),
        (wording.tr("report.fact_seconds"), wording.number(len(m.samples))),
        (wording.tr("report.fact_program"), f"FieldSurvey {__version__}"),
        (wording.tr("report.fact_digest"), findings.digest()),
    )
    return [
        Heading(wording.tr("report.sources")),
        Facts(pairs),
        *_messages(findings, wording),
        *_instruments(findings, wording),
        *_drive_table(drives, wording),
    ]


def _drives(findings: Findings) -> pl.DataFrame:
    """Return the drives that anything of the subject was recorded in."""
    m = findings.m
    tests = findings.tests.group_by("drive").len("counted")
    seconds = m.samples.group_by("drive").len("seconds")
    return (
        m.drives.with_row_index("drive")
        .join(tests, on="drive", how="left")
        .join(seconds, on="drive", how="left")
        .filter(pl.col("counted").is_not_null() | pl.col("seconds").is_not_null())
        .sort("started_utc_us", "drive_id")
    )


def _recorded_by(drives: pl.DataFrame, wording: Wording) -> str:
    """Return the versions that recorded the drives, and how many each."""
    unknown = wording.tr("report.unknown")
    versions = drives.group_by("app_version").len().sort("app_version", nulls_last=True)
    said = (f"{version or unknown} ({wording.number(n)})" for version, n in versions.iter_rows())
    return ", ".join(said) or DASH


def _messages(findings: Findings, wording: Wording) -> list[Block]:
    """Return what has to be known of the sources, and those that could not be opened."""
    said = [wording.say(note) for note in (*findings.m.notes, *findings.m.failed)]
    return [Points(tuple(said))] if said else []


def _instruments(findings: Findings, wording: Wording) -> list[Block]:
    judged = findings.tests.filter(pl.col("compared_bps").is_not_null())
    if judged.is_empty():
        return []
    low, high = pl.col("download_low_bps"), pl.col("download_high_bps")
    without = (low == high).fill_null(value=True)  # of a single number
    kinds = (
        judged.group_by("protocol", "rule", "target_version")
        .agg(pl.len(), without.sum().alias("without"))
        .sort("protocol", "rule", "target_version", nulls_last=True)
    )
    rows = tuple(
        Row((
            protocol or wording.tr("report.unknown"), rule or DASH, version or DASH,
            wording.number(number), wording.number(without),
        ))
        for protocol, rule, version, number, without in kinds.iter_rows()
    )  # fmt: skip
    columns = (
        Column(wording.tr("report.col_protocol"), 1),
        Column(wording.tr("report.col_rule"), 1.4),
        Column(wording.tr("report.col_target_version"), 1),
        Column(wording.tr("report.col_tests"), right=True),
        Column(wording.tr("report.col_without_interval"), right=True),
    )
    found: list[Block] = [Table(columns, rows, wording.tr("report.instrument_table"))]
    if kinds["without"].sum():
        found.append(Paragraph(wording.tr("report.mean_only"), note=True))
    return found


def _drive_table(drives: pl.DataFrame, wording: Wording) -> list[Block]:
    rows = tuple(
        Row((
            row["drive_id"][:8],
            row["source"] or DASH,
            (row["device"] or DASH)[:12],
            operator_name(
                row["operator"], wording, of_links=bool(row[OF_LINKS["operator"]])
            ),
            access(row["access_type"], wording, of_links=bool(row[OF_LINKS["access_type"]])),
            wording.minute(row["started_utc_us"]),
            wording.number(row["seconds"] or 0),
            wording.number(row["counted"] or 0),
        ))
        for row in drives.head(MOST_DRIVES).iter_rows(named=True)
    )  # fmt: skip
    if not rows:
        return []
    columns = (
        Column(wording.tr("report.col_drive")),
        Column(wording.tr("report.col_source"), 1),
        Column(wording.tr("report.col_device")),
        Column(wording.tr("report.col_operator"), 0.8),
        Column(wording.tr("report.col_access")),
        Column(wording.tr("report.col_began")),
        Column(wording.tr("report.col_seconds"), right=True),
        Column(wording.tr("report.col_tests_counted"), right=True),
    )
    found: list[Block] = [Table(columns, rows, wording.tr("report.drive_table"))]
    if len(drives) > MOST_DRIVES:
        text = wording.tr(
            "report.drives_left_out", printed=MOST_DRIVES, total=wording.number(len(drives))
        )
        found.append(Paragraph(text, note=True))
    return found

"""How it was judged, with every error stated, and what does not count: the lawyer's page.

Numbers come from the rule that judged; a method that changes there changes here. Must not promise
what the code does not do.
"""

from __future__ import annotations

import polars as pl

from fieldsurvey.analysis.independence import NEAR_M, SOON_US
from fieldsurvey.analysis.rates import FEWEST_RANKED
from fieldsurvey.analysis.sequential import INTERVAL_ERROR
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.analysis.targets import JudgedBy, target_file
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.report.blocks import Block, Column, Facts, Heading, Paragraph, Points, Row, Table
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.subject import Highway, Programme, Settlement
from fieldsurvey.report.wording import CLOCK, Wording


def method_pages(findings: Findings, wording: Wording) -> list[Block]:
    """Return method, target, and what was left out."""
    rule = findings.judged_by
    return [
        Heading(wording.tr("report.method"), page=True),
        Heading(wording.tr("report.method_test_title"), level=2),
        Paragraph(wording.tr("report.method_test", mbps=wording.mbps(rule.rate_bps))),
        Heading(wording.tr("report.method_place_title"), level=2),
        Paragraph(
            wording.tr(
                "report.method_place",
                low=wording.percent(rule.share_low),
                high=wording.percent(rule.share_high),
                error_above=wording.percent(rule.error_above),
                error_below=wording.percent(rule.error_below),
            )
        ),
        Points(_rules(findings, wording)),
        *_left_out(findings, wording),
        Heading(wording.tr("report.target_title"), level=2),
        Facts((
            (wording.tr("report.target"), f"{rule.target_id}"),
            (wording.tr("report.target_version"), rule.target_version),
            (
                wording.tr("report.target_says"),
                wording.tr(
                    "report.target_download",
                    mbps=wording.mbps(rule.rate_bps),
                    layer=wording.tr(f"report.layer_{rule.layer.value}"),
                ),
            ),
            (
                wording.tr("report.target_source"),
                _source_of(rule, wording.language) or wording.tr("report.unknown"),
            ),
            (wording.tr("report.target_rule"), rule.rule),
        )),
    ]  # fmt: skip


def _rules(findings: Findings, wording: Wording) -> tuple[str, ...]:
    said = [
        wording.tr("report.rule_length", km=wording.km(JUDGED_LENGTH_M)),
        wording.tr(
            "report.rule_independent", metres=wording.number(NEAR_M),
            seconds=wording.number(SOON_US / 1e6),
        ),
        wording.tr("report.rule_no_service"),
        wording.tr("report.rule_many"),
        wording.tr("report.rule_undecided"),
        wording.tr("report.rule_interval", percent=wording.percent(1 - INTERVAL_ERROR)),
        wording.tr("report.rule_needed"),
        wording.tr("report.rule_rank", number=FEWEST_RANKED),
        wording.tr("report.rule_stale"),
        wording.tr("report.rule_operators"),
        wording.tr("report.rule_seconds"),
        wording.tr("report.rule_posts"),
        wording.tr("report.rule_clock", clock=CLOCK),
        wording.tr("report.rule_training" if findings.trained else "report.rule_replayed"),
    ]  # fmt: skip
    return tuple(said)


def _left_out(findings: Findings, wording: Wording) -> list[Block]:
    """Return what there was and does not count, so that all tests add up."""
    if not findings.asked:
        return []  # the first page says so; a table of zeros would look like figures
    title = Heading(wording.tr("report.left_out"), level=2)
    rows = [
        Row((wording.tr("report.tests_that_count"), wording.number(len(findings.tests)))),
        *(
            Row((wording.tr(f"report.left_out_{reason}"), wording.number(number)))
            for reason, number in findings.left_out.items()
        ),
        Row((wording.tr("report.tests_in_all"), wording.number(findings.asked))),
    ]
    columns = (
        Column(wording.tr("report.col_why"), 1),
        Column(wording.tr("report.col_tests"), right=True),
    )
    table = Table(columns, tuple(rows), wording.tr("report.left_out_table"))
    return [title, table, *_where_counted(findings, wording)]


def _where_counted(findings: Findings, wording: Wording) -> list[Block]:
    """Say how the tests that count are to be found in the tables of places, where these are of
    more than one kind."""
    if isinstance(findings.subject, Highway | Settlement) or findings.tests.is_empty():
        return []
    tests = findings.tests
    words = {name: int(tests[name].sum()) for name in ("on_highway", "in_settlement", "elsewhere")}
    both = int((tests["on_highway"] & tests["in_settlement"]).sum())
    said = wording.tr("report.counted_where", **words, both=both)
    if isinstance(findings.subject, Programme):
        fresh = findings.stretches.filter(~pl.col("stale"))
        number, metres = int(fresh["tests"].sum()), wording.number(NEAR_M)
        said = wording.tr("report.counted_on_board", number=number, metres=metres)
    return [Paragraph(said, note=True)]


def _source_of(rule: JudgedBy, language: str) -> str:
    """Return where the target was published, as its file says, in a language if it does."""
    for path in sorted((resources_dir() / "targets").glob("*.toml")):
        content = target_file(path)
        known = rule.target_id in content.get("targets", {})
        if known and str(content.get("version")) == rule.target_version:
            return str(content.get(f"source_{language}") or content.get("source", ""))
    return ""

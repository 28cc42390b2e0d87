"""The report, from measurements to a PDF: what stands on which page.

The same measurements and the same ``now`` give the same bytes. Must not judge, nor choose a look.
Imported where it is used: it needs polars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey import __version__
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.targets import JudgedBy, judged_by
from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.blocks import Block, Document, Heading, Paragraph
from fieldsurvey.report.cover_page import facts, sentences, subtitle, title_of, whole_stretches
from fieldsurvey.report.findings import Findings, find
from fieldsurvey.report.kilometres import Stretch, highways_of, in_all, lengths_of, stretches_of
from fieldsurvey.report.map_pages import map_pages
from fieldsurvey.report.map_scene import Ground
from fieldsurvey.report.method_page import method_pages
from fieldsurvey.report.places_tables import (
    cell_table,
    lengths_table,
    settlement_table,
    stretch_table,
)
from fieldsurvey.report.programme_page import board_rows, board_summary, board_table
from fieldsurvey.report.roads import Roads
from fieldsurvey.report.sources_page import sources_pages
from fieldsurvey.report.strips import strip_pages
from fieldsurvey.report.subject import Highway, Programme, Subject
from fieldsurvey.report.tests_pages import (
    along_pages,
    cause_pages,
    distribution_pages,
    radio_pages,
)
from fieldsurvey.report.typesetting import typeset
from fieldsurvey.report.wording import Wording, moment
from fieldsurvey.store.never_replaced import refuse_survey
from fieldsurvey.wire.whole_file import write_whole

MOST_STRIPS = 12  # highways that are drawn kilometre by kilometre


@dataclass(frozen=True, slots=True)
class ReportWritten:
    """``tests`` count of ``asked``. ``archival``: the file is PDF/A. ``empty``: nothing was
    measured there, and the report says so."""

    path: Path
    bytes_written: int
    tests: int
    asked: int
    archival: bool
    empty: bool


def write_report(
    m: Measurements,
    subject: Subject,
    output: Path,
    *,
    places: Places | None,
    language: str,
    now_utc_us: int,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    rule: JudgedBy | None = None,
    trained: bool = False,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ReportWritten:
    """Write the report on ``subject`` to ``output``; an older file there stays until then.

    ``trained``: of replayed drives alone, with a band on every page that this is no evidence.
    ``progress`` hears the share done. Raises KnownError ``report.cancelled`` soon after
    ``cancelled`` returns True, ``report.not_written``, ``store.never_replaced``, and ``analysis.*``
    for target files.
    """

    def told(share: float) -> None:
        if cancelled is not None and cancelled():
            raise KnownError("report.cancelled")
        if progress is not None:
            progress(share)

    told(0.0)
    refuse_survey(output)
    rule = rule or judged_by()
    findings = find(m, subject, rule, scope, now_utc_us, trained=trained)
    told(0.5)
    document = compose(findings, places, Wording(language))
    told(0.7)
    content, archival = typeset(document)
    told(0.95)
    try:
        write_whole(output, content)
    except OSError as error:
        reason = error.strerror or error
        raise KnownError("report.not_written", path=output, reason=reason) from error
    told(1.0)
    return ReportWritten(
        output, len(content), len(findings.tests), findings.asked, archival, findings.empty
    )


def compose(findings: Findings, places: Places | None, wording: Wording) -> Document:
    """Return all pages as data."""
    ground = Ground(Roads(places), places, wording)
    refs = highways_of(findings, ground.roads)
    stretches = [one for ref in refs for one in stretches_of(findings, ground.roads, ref)]
    title = title_of(findings.subject, places, wording)
    return Document(
        language=wording.language,
        title=title,
        subtitle=subtitle(findings, wording),
        kind=wording.tr("report.kind"),
        issuer="FieldSurvey",
        footer=wording.tr(
            "report.footer", title=title, version=__version__, digest=findings.digest()
        ),
        figure=wording.tr("report.figure"),
        table=wording.tr("report.table"),
        band=wording.tr("report.band") if findings.trained else "",
        made=moment(findings.now_utc_us),
        cover=tuple(_cover(findings, stretches, refs, ground)),
        body=tuple(_body(findings, stretches, refs, ground)),
    )


def _cover(
    findings: Findings, stretches: Sequence[Stretch], refs: Sequence[str], ground: Ground
) -> list[Block]:
    wording = ground.wording
    blocks: list[Block] = [facts(findings, wording)]
    if findings.empty:
        said = "report.empty" if findings.asked else "report.nothing_measured"
        blocks.append(Paragraph(wording.tr(said)))
    if isinstance(findings.subject, Programme):
        rows = board_rows(findings, ground.places)
        return [*blocks, board_summary(rows, wording), *board_table(rows, wording)]
    blocks += whole_stretches(findings.subject, wording)
    if findings.empty:
        return blocks
    blocks += sentences(findings, stretches, ground.places, wording)
    if refs:
        lengths = [one for ref in refs for one in lengths_of(findings, ground.roads, ref)]
        blocks.append(lengths_table(in_all(lengths), wording, with_ref=False))
    return [*blocks, *map_pages(findings, stretches, ground, own_page=False)]


def _body(
    findings: Findings, stretches: Sequence[Stretch], refs: Sequence[str], ground: Ground
) -> list[Block]:
    wording = ground.wording
    blocks: list[Block] = []
    if isinstance(findings.subject, Programme):
        if not findings.empty:
            blocks += map_pages(findings, stretches, ground, own_page=True)
            lengths = [one for ref in refs for one in lengths_of(findings, ground.roads, ref)]
            blocks.append(lengths_table(lengths, wording, with_ref=True))
    elif not findings.empty:
        if refs:
            blocks += _of_roads(findings, stretches, refs, ground)
        if len(findings.settlements):
            rows = list(findings.settlements.iter_rows(named=True))
            blocks.append(Heading(wording.tr("report.settlements")))
            blocks += settlement_table(rows, ground.places, wording)
        if len(findings.cells):
            blocks.append(Heading(wording.tr("report.cells")))
            blocks += cell_table(list(findings.cells.iter_rows(named=True)), wording)
        blocks += distribution_pages(findings, wording)
        blocks += cause_pages(findings, wording)
        blocks += radio_pages(findings, wording)
    blocks += method_pages(findings, wording)
    return [*blocks, *sources_pages(findings, ground.places, wording)]


def _of_roads(
    findings: Findings, stretches: Sequence[Stretch], refs: Sequence[str], ground: Ground
) -> list[Block]:
    wording = ground.wording
    single = isinstance(findings.subject, Highway)
    blocks: list[Block] = [Heading(wording.tr("report.stretches"), page=True)]
    if not single:
        lengths = [one for ref in refs for one in lengths_of(findings, ground.roads, ref)]
        blocks.append(lengths_table(lengths, wording, with_ref=True))
    for ref in refs[:MOST_STRIPS]:
        own = [one for one in stretches if one.ref == ref]
        if own:
            blocks += strip_pages(findings, own, wording, titled=not single)
    blocks.append(Paragraph(wording.tr("report.strip_note"), note=True))
    if len(refs) > MOST_STRIPS:
        blocks.append(
            Paragraph(wording.tr("report.strips_left_out", number=MOST_STRIPS), note=True)
        )
    driven = [one for one in stretches if one.row is not None]
    if driven:
        blocks += stretch_table(driven, wording, with_ref=not single)
    if single and driven:
        blocks.append(Heading(wording.tr("report.along")))
        first, last = min(one.from_m for one in stretches), max(one.to_m for one in stretches)
        blocks += along_pages(findings, refs[0], first, last, wording)
    return blocks

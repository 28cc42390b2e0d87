"""Maps on pages: one per operator, as large as the page allows, with one legend for all."""

from __future__ import annotations

from collections.abc import Sequence

from fieldsurvey.report.blocks import Block, Figure, Figures, Heading, Paragraph
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.kilometres import Stretch
from fieldsurvey.report.map_scene import Ground, map_sources, scene
from fieldsurvey.report.map_svg import draw_legend, draw_map, is_wide
from fieldsurvey.report.tests_pages import MOST_OPERATORS, WIDTH, not_drawn

_BETWEEN = 14.0  # points, between two maps beside each other
_ON_A_COVER = 2  # maps that have room under the sentences
# Height that wide maps may have under each other, of their width: the rest of a cover, or a page.
_COVER, _PAGE = 0.52, 1.08
_BESIDE = 0.9


def map_pages(
    findings: Findings, stretches: Sequence[Stretch], ground: Ground, *, own_page: bool
) -> list[Block]:
    """Return the maps with legend and sources. ``own_page``: where there is no cover for them;
    more than two begin a page of their own anyhow."""
    wording = ground.wording
    scenes = [
        drawn
        for operator in findings.operators[:MOST_OPERATORS]
        if (drawn := scene(findings, stretches, operator, ground)) is not None
    ]
    if not scenes:
        return [Paragraph(wording.tr("report.no_map"), note=True)]
    own_page = own_page or len(scenes) > _ON_A_COVER
    columns = 1 if len(scenes) == 1 or is_wide(scenes[0]) else 2
    width = (WIDTH - _BETWEEN * (columns - 1)) / columns
    highest = (_PAGE if own_page else _COVER) / len(scenes) if columns == 1 else _BESIDE
    alt = wording.tr("report.map_alt")
    figures = tuple(Figure(draw_map(one, width, wording, highest), alt) for one in scenes)
    said = f"{wording.tr('report.map_caption')} {map_sources(ground)}."
    blocks: list[Block] = [Heading(wording.tr("report.map"), page=True)] if own_page else []
    return [
        *blocks,
        Figures(figures, columns),
        Figure(draw_legend(WIDTH, wording), wording.tr("report.legend_alt")),
        Paragraph(said, note=True),
        *not_drawn(findings, wording),
    ]

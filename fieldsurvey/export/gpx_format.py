"""GPX 1.1, written as a stream: tests as waypoints, a drive as a track, a segment between gaps.

Any program that reads GPX can show the file; what GPX has no word for stands in our own namespace
(``resources/export/fieldsurvey-gpx-1.xsd``) and nowhere else. Must not draw a line where nobody
drove.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.gpx_points import write_points
from fieldsurvey.export.gpx_waypoints import waypoints, with_position
from fieldsurvey.export.gpx_xml import HEAD, element, extensions
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.tracks import write_tracks
from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    import polars as pl

_TRACK_END = "</trkseg>\n</trk>\n"


@dataclass(frozen=True, slots=True)
class Gpx:
    """``with_extensions=False`` leaves our namespace out, for readers that choke on it."""

    with_extensions: bool = True
    name: str = "gpx"
    suffix: str = ".gpx"
    media_type: str = "application/gpx+xml"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write waypoints, then tracks. Raises ``KnownError`` ``export.no_points`` where nothing
        has a position, since the file would say nothing."""
        stream.write((HEAD + self._metadata(tables)).encode())
        tests = 0
        for mark in waypoints(tables, with_extensions=self.with_extensions):
            stream.write(mark.encode())
            tests += 1
        points = self._write_tracks(tables, stream, progress)
        if not points and not tests:
            raise KnownError("export.no_points")
        stream.write(b"</gpx>\n")
        return Written(points=points, tests=tests)

    def _metadata(self, tables: SurveyTables) -> str:
        started_us = tables.drives["started_utc_us"].min()
        inner = element("time", text.utc_iso(started_us)) if isinstance(started_us, int) else ""
        homeless = len(tables.tests) - len(with_position(tables.tests))
        inner += self._ours(
            {
                "tests_without_position_count": homeless or None,
                "seconds_left_out_count": tables.left_out.samples or None,
                "tests_left_out_count": tables.left_out.tests or None,
            }
        )
        return f"<metadata>{inner}</metadata>\n" if inner else ""

    def _write_tracks(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> int:
        def points(piece: pl.DataFrame, *, opens: bool) -> None:
            write_points(piece, stream, opens_track=opens, with_extensions=self.with_extensions)

        return write_tracks(tables, stream, progress, self._track_head, points, lambda: _TRACK_END)

    def _track_head(self, drive: Mapping[str, object]) -> str:
        name = f"{drive['plan_name']} {text.utc_iso(int(str(drive['started_utc_us'])))}"
        ours = {
            name: drive[name] for name in ("drive_id", "operator", "access_type", "app_version")
        } | {"replayed": str(drive["replayed"]).lower()}
        return f"<trk>{element('name', name)}{self._ours(ours)}\n"

    def _ours(self, values: Mapping[str, object]) -> str:
        return extensions(values) if self.with_extensions else ""

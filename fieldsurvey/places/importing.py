"""From input files to highways and settlements, with nothing dropped in silence.

Reads, sorts and joins; must not write the places file (``places_file`` does).
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.places.features import Feature, judge
from fieldsurvey.places.join_highways import USUAL_TOLERANCE_M, join_highways
from fieldsurvey.places.merge_settlements import merge_settlements
from fieldsurvey.places.one_place_per_post import one_place_per_post
from fieldsurvey.places.read_csv import read_csv
from fieldsurvey.places.read_geojson import read_geojson
from fieldsurvey.places.read_geopackage import read_geopackage
from fieldsurvey.places.read_osm import read_osm
from fieldsurvey.places.report import ImportReport, Kind, Log, SourceSummary
from fieldsurvey.places.roads import HighwayLine
from fieldsurvey.places.settlements import SettlementTable

Reader = Callable[[Path, str, Log], Iterator[Feature]]
READERS: dict[str, tuple[str, Reader]] = {
    ".geojson": ("GeoJSON", read_geojson),
    ".json": ("GeoJSON", read_geojson),
    ".gpkg": ("GeoPackage", read_geopackage),
    ".csv": ("CSV", read_csv),
    ".pbf": ("OpenStreetMap", read_osm),
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that an import found, ready to be stored."""

    lines: list[HighwayLine]
    highways: int
    settlements: SettlementTable
    sources: tuple[SourceSummary, ...]
    log: Log

    def report(self, output: str, version: str) -> ImportReport:
        tolerances = [line.tolerance_m for line in self.lines] or [0.0]
        return ImportReport(
            output=output,
            version=version,
            sources=self.sources,
            highways=self.highways,
            highway_lines=len(self.lines),
            highway_km=sum(line.length_m for line in self.lines) / 1000.0,
            coarse_lines=sum(tolerance > USUAL_TOLERANCE_M for tolerance in tolerances),
            tolerance_min_m=min(tolerances),
            tolerance_max_m=max(tolerances),
            settlements=len(self.settlements),
            settlements_with_border=sum(b is not None for b in self.settlements.border_wkb),
            skipped=tuple(self.log.skipped),
            warnings=tuple(self.log.warnings),
        )


def gather(
    inputs: Sequence[Path],
    progress: Callable[[str, float], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> Gathered:
    """Read every input and put it together.

    Raises KnownError ``places.input_missing``, ``places.unknown_format``, ``places.unreadable``
    and others of the readers, ``places.nothing_found``, or ``places.cancelled``.
    """
    log = Log()
    files = _named(inputs)
    kinds: dict[Kind, list[Feature]] = {kind: [] for kind in Kind}
    read: Counter[str] = Counter()
    for number, (source, path) in enumerate(files.items()):
        progress(source, number / (len(files) + 1))
        read[source] = _sort(source, path, kinds, log, cancelled)
    progress("", len(files) / (len(files) + 1))
    usable = Counter((f.source, kind) for kind, features in kinds.items() for f in features)
    skipped_so_far = len(log.skipped)
    lines = join_highways(kinds[Kind.HIGHWAY], log)
    areas = [feature.geometry for feature in kinds[Kind.AREA]]
    settlements = merge_settlements(kinds[Kind.SETTLEMENT], areas, log)
    if not lines and not len(settlements):
        raise KnownError("places.nothing_found", files=", ".join(files))
    highways = {line.ref for line in lines}
    _note_doubts(lines, log)
    lines = one_place_per_post(lines)
    _note_numbered(sorted({line.ref for line in lines} - highways), log)
    lost = Counter((item.source, item.kind) for item in log.skipped[skipped_so_far:])
    summaries = tuple(
        SourceSummary(
            name=source,
            format=_reader(path)[0],
            sha256=_sha256(path),
            read=read[source],
            used={kind: usable[source, kind] - lost[source, kind] for kind in Kind},
        )
        for source, path in files.items()
    )
    progress("", 1.0)
    return Gathered(lines, len(highways), settlements, summaries, log)


def _sort(
    source: str,
    path: Path,
    kinds: dict[Kind, list[Feature]],
    log: Log,
    cancelled: Callable[[], bool],
) -> int:
    """Put a file's features with their kind; return how many features the file has."""
    skipped_before = len(log.skipped)
    usable = 0
    for feature in _read(source, path, log):
        if cancelled():
            raise KnownError("places.cancelled")
        kind, reason = judge(feature)
        if reason:
            log.skip(source, kind, _label(feature), message(reason))
        else:
            usable += 1
            kinds[kind].append(feature)
    return usable + sum(item.count for item in log.skipped[skipped_before:])


def _note_doubts(lines: list[HighwayLine], log: Log) -> None:
    sources: dict[str, set[str]] = {}
    for line in lines:
        sources.setdefault(line.ref, set()).add(line.source)
    doubled = [ref for ref, names in sources.items() if len(names) > 1]
    if doubled:
        log.note("places.warn_two_sources", refs=", ".join(doubled))
    coarse = [line.tolerance_m for line in lines if line.tolerance_m > USUAL_TOLERANCE_M]
    if coarse:
        log.note(
            "places.warn_coarse", lines=len(coarse), all_lines=len(lines), max_m=round(max(coarse))
        )


def _note_numbered(refs: list[str], log: Log) -> None:
    if refs:
        log.note("places.warn_lines_apart", refs=", ".join(refs))


def _named(inputs: Sequence[Path]) -> dict[str, Path]:
    """Name each distinct input by its file name, by its path only where two are alike."""
    paths = list(dict.fromkeys(inputs))
    counts = Counter(path.name for path in paths)
    return {path.name if counts[path.name] == 1 else str(path): path for path in paths}


def _reader(path: Path) -> tuple[str, Reader]:
    try:
        return READERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(READERS)
        raise KnownError("places.unknown_format", file=path.name, known=known) from None


def _read(source: str, path: Path, log: Log) -> Iterator[Feature]:
    _, reader = _reader(path)
    if not path.is_file():
        raise KnownError("places.input_missing", file=str(path))
    try:
        yield from reader(path, source, log)
    except OSError as error:
        raise KnownError("places.unreadable", file=source, detail=str(error)) from error


def _label(feature: Feature) -> str:
    name = "; ".join(feature.refs) or feature.any_name
    return f"{feature.label}: {name}" if name else feature.label


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""What an import did with every feature it read: kept, merged or skipped, and why.

Nothing is dropped in silence: what was read equals what was used plus what was skipped.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from fieldsurvey.model.messages import Message, message


class Kind(StrEnum):
    HIGHWAY = "highway"
    SETTLEMENT = "settlement"
    AREA = "area"  # of the country: settlements outside all areas are skipped
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Skipped:
    """``count`` features that were not taken over as they stand.

    ``label`` tells which, with what is particular to it; ``reason`` is the same for all alike.
    """

    source: str
    kind: Kind
    label: str
    reason: Message
    count: int = 1


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One input file. ``used`` counts features that are in the places file, or bound it."""

    name: str
    format: str
    sha256: str
    read: int
    used: dict[Kind, int]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Kept in the places file, for ``places info``. Merged duplicates are among the skipped."""

    output: str
    version: str
    sources: tuple[SourceSummary, ...]
    highways: int  # distinct numbers
    highway_lines: int
    highway_km: float
    coarse_lines: int  # tolerance above the usual one
    tolerance_min_m: float
    tolerance_max_m: float
    settlements: int
    settlements_with_border: int
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Message, ...] = ()

    def skipped_by_reason(self) -> dict[str, int]:
        """Return message id → how many features were skipped for it, most frequent first."""
        counts: Counter[str] = Counter()
        for item in self.skipped:
            counts[item.reason.id] += item.count
        return dict(counts.most_common())


@dataclass(slots=True)
class Log:
    """Collects the report while an import runs; one per import."""

    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)

    def skip(self, source: str, kind: Kind, label: str, reason: Message, count: int = 1) -> None:
        self.skipped.append(Skipped(source, kind, label, reason, count))

    def note(self, id: str, /, **args: object) -> None:  # noqa: A002 - it is the id
        """Add a warning."""
        self.warnings.append(message(id, **args))


def report_lines(report: ImportReport) -> Iterator[Message]:
    """Tell an import in words: the whole, each source, each reason for leaving something out."""
    yield message(
        "places.whole",
        output=report.output,
        version=report.version,
        highways=report.highways,
        km=f"{report.highway_km:.0f}",
        settlements=report.settlements,
        borders=report.settlements_with_border,
    )
    if report.highway_lines:
        yield message(
            "places.tolerance",
            coarse=report.coarse_lines,
            lines=report.highway_lines,
            low_m=f"{report.tolerance_min_m:.0f}",
            high_m=f"{report.tolerance_max_m:.0f}",
        )
    for source in report.sources:
        used = sum(source.used.values())
        yield message("places.source", name=source.name, read=source.read, used=used)
    reasons: dict[str, tuple[Message, int]] = {}
    for item in report.skipped:
        first, count = reasons.get(item.reason.id, (item.reason, 0))
        reasons[item.reason.id] = (first, count + item.count)
    for first, count in reasons.values():
        yield message("places.skipped", count=count, reason=first)
    yield from report.warnings

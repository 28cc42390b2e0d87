"""Whether a document that HQ issues can be used: read by who will read it on the road."""

from pathlib import Path

from fieldsurvey.drive.plan_file import load_plan
from fieldsurvey.places.places_file import open_places
from fieldsurvey.throughput.targets import load_targets
from fieldsurvey.wire.issued import IssuedKind


def check_issued(kind: IssuedKind, path: Path) -> None:
    """Raise the KnownError of its reader for a document that cannot be used."""
    match kind:
        case IssuedKind.PLAN:
            load_plan(path)
        case IssuedKind.PLACES:
            open_places(path)
        case IssuedKind.TARGETS:
            load_targets(path)

"""What laptops recorded, compared with what HQ holds and what its archive has."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from fieldsurvey.hq.station import Station
from fieldsurvey.store.outbox_rows import contiguous_rows
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.rows import Row, decode_rows

Content = tuple[str, str, int]  # kind, drive and time: what tells a row apart whatever its number

_ARCHIVED = {
    "samples": ("Sample", "mono_us"),
    "tests": ("ThroughputTest", "started_mono_us"),
    "events": ("Event", "mono_us"),
}


def look(station: Station, surveys: Iterable[Path]) -> None:
    """Raise AssertionError unless HQ holds every row of ``surveys`` and its archive has it once."""
    held: set[Content] = set()
    for one in station.ledger.at(range(station.ledger.history.size())):
        sealed = parse_batch((station.home.raw / one.path).read_bytes())
        assert sealed.sha256 == one.sha256
        held.update(_content(row) for row in decode_rows(sealed.payload))
    recorded: set[Content] = set()
    for path in surveys:
        with SurveyFile.open(path) as survey:
            assert survey.check() == []
            recorded.update(_content(row) for row in _all_rows(survey))
    assert recorded <= held, recorded - held
    archived = _archived(station)
    assert max(archived.values(), default=1) == 1, archived.most_common(3)
    kinds = {kind for kind, _ in _ARCHIVED.values()}
    lost = {one for one in recorded if one[0] in kinds} - archived.keys()
    assert not lost, lost


def _content(row: Row) -> Content:
    value = row.value
    when = getattr(value, "mono_us", getattr(value, "started_mono_us", 0))
    return type(value).__name__, row.drive_id, when


def _all_rows(survey: SurveyFile) -> list[Row]:
    (last_seq,) = survey.connection.execute("SELECT last_seq FROM survey").fetchone()
    rows = contiguous_rows(survey.connection, 1, last_seq)
    assert len(rows) == last_seq
    return rows


def _archived(station: Station) -> Counter[Content]:
    found: Counter[Content] = Counter()
    for file in station.ledger.archive_files():
        if file.table in _ARCHIVED:
            kind, when = _ARCHIVED[file.table]
            table = pl.read_parquet(station.home.archive / file.path, hive_partitioning=False)
            found.update((kind, *row) for row in table.select("drive_id", when).iter_rows())
    return found

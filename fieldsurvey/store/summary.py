"""What a survey file holds, in figures. Counts only what is committed; derives nothing new."""

from dataclasses import dataclass

from fieldsurvey.model.drive import Drive, DriveCounts, Sample
from fieldsurvey.model.tally import Tally, result_of
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.codec import Row
from fieldsurvey.store.distance import driven_m
from fieldsurvey.store.driver import Connection
from fieldsurvey.store.reading import last_sample, newest_unfinished


@dataclass(frozen=True, slots=True)
class UnfinishedDrive:
    """A drive that was begun and not ended: it runs, or something broke it off."""

    drive: Drive
    last_sample: Sample | None
    counts: DriveCounts

    @property
    def distance_m(self) -> float:
        """Metres driven so far, gaps not bridged."""
        return self.counts.distance_m


@dataclass(frozen=True, slots=True)
class SurveySummary:
    """Figures of a whole file.

    ``places``: label (inside a settlement its name, else the highway, else the nearest settlement,
    else "") and number of tests, most first; they add up to the tally's. Times are None in an empty
    file.
    """

    drives: int
    samples: int
    no_service_samples: int
    tally: Tally
    distance_m: float
    first_utc_us: int | None
    last_utc_us: int | None
    places: tuple[tuple[str, int], ...]
    refused_rows: int


def unfinished_drive(connection: Connection) -> UnfinishedDrive | None:
    """Describe the newest drive without an end."""
    found = newest_unfinished(connection)
    if found is None:
        return None
    drive_seq, drive = found
    samples, no_service_samples = _count_samples(connection, drive_seq)
    counts = DriveCounts(
        samples,
        no_service_samples,
        _tally(connection, drive_seq),
        _distance_m(connection, drive_seq),
    )
    return UnfinishedDrive(drive, last_sample(connection, drive_seq), counts)


def survey_summary(connection: Connection) -> SurveySummary:
    """Count everything in the file."""
    samples, no_service_samples = _count_samples(connection, None)
    first_utc_us, last_utc_us = connection.execute(
        "SELECT min(first), max(last) FROM ("
        " SELECT min(utc_us) AS first, max(utc_us) AS last FROM sample UNION ALL"
        " SELECT min(started_utc_us), max(ended_utc_us) FROM test)"
    ).fetchone()
    return SurveySummary(
        drives=_count(connection, "drive"),
        samples=samples,
        no_service_samples=no_service_samples,
        tally=_tally(connection, None),
        distance_m=_distance_m(connection, None),
        first_utc_us=first_utc_us,
        last_utc_us=last_utc_us,
        places=_tests_by_place(connection),
        refused_rows=_count(connection, "refused"),
    )


def _count(connection: Connection, table: str) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def _of_drive(drive_seq: int | None) -> str:
    """Return the condition on ``t`` for one drive, or for all."""
    return "1" if drive_seq is None else f"t.seq > {drive_seq:d} AND t.drive_seq = {drive_seq:d}"


def _count_samples(connection: Connection, drive_seq: int | None) -> tuple[int, int]:
    samples, no_service = connection.execute(
        "SELECT count(*), total(reachable = 0 AND cause <> ?)"
        f" FROM sample t WHERE {_of_drive(drive_seq)}",
        (Cause.NOT_ASKED.value,),
    ).fetchone()
    return int(samples), int(no_service)


def _tally(connection: Connection, drive_seq: int | None) -> Tally:
    """Count tests by what they came to; the same as the drive itself counts as it goes."""
    tally = Tally()
    for outcome, cause, verdict, limited, repeats, count in connection.execute(
        "SELECT t.outcome, t.cause, j.verdict, coalesce(t.limits, '[]') <> '[]',"
        " t.confirms IS NOT NULL, count(*)"
        " FROM test t LEFT JOIN judgement j ON j.test_seq = t.seq"
        f" WHERE {_of_drive(drive_seq)} GROUP BY 1, 2, 3, 4, 5"
    ):
        result = result_of(
            Outcome(outcome),
            Cause(cause) if cause is not None else None,
            Verdict(verdict) if verdict is not None else None,
            limited=bool(limited),
            repeats=bool(repeats),
        )
        tally = tally.plus(result, count)
    (contradicted,) = connection.execute(
        "SELECT count(DISTINCT first.seq) FROM test t"
        " JOIN judgement j ON j.test_seq = t.seq AND j.verdict = 'above'"
        " JOIN test first ON first.test_id = t.confirms AND first.link IS t.link"
        " JOIN judgement f ON f.test_seq = first.seq AND f.verdict = 'below'"
        " AND f.target_id = j.target_id AND f.target_version = j.target_version"
        f" WHERE t.confirms IS NOT NULL AND {_of_drive(drive_seq)}"
    ).fetchone()
    return tally.contradicted(contradicted)


def _distance_m(connection: Connection, drive_seq: int | None) -> float:
    rows: list[Row] = connection.execute(
        "SELECT drive_seq, fix_mono_us, fix_latitude_deg, fix_longitude_deg, fix_speed_mps,"
        f" fix_flags FROM fix t WHERE {_of_drive(drive_seq)} ORDER BY seq"
    )
    return driven_m(rows)


def _tests_by_place(connection: Connection) -> tuple[tuple[str, int], ...]:
    return tuple(
        connection.execute(
            "SELECT coalesce(CASE WHEN p.settlement_distance_m = 0 THEN p.settlement_name END,"
            " p.highway_ref, p.settlement_name, '') AS label, count(*) AS tests"
            " FROM test t LEFT JOIN test_place p ON p.test_seq = t.seq AND p.\"end\" = 'start'"
            " WHERE t.outcome <> 'skipped' AND t.confirms IS NULL"
            " GROUP BY label ORDER BY tests DESC, label"
        ).fetchall()
    )

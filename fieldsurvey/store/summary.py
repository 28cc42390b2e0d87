"""What a survey file holds, in figures. Counts only what is committed; derives nothing new."""

from collections import Counter
from dataclasses import dataclass

from fieldsurvey.model.drive import Drive, DriveCounts, Sample
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.codec import Row
from fieldsurvey.store.distance import driven_m
from fieldsurvey.store.driver import Connection
from fieldsurvey.store.reading import last_sample, newest_unfinished

_OWN_CAUSES = (Cause.ENGINE, Cause.SERVER_BUSY)  # not the network's: see ThroughputTest.no_service


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

    ``tests`` were made (completed, failed or cancelled); ``skipped`` come on top. ``failed`` are
    those our own side or a busy server spoiled; ``no_service`` those the network did;
    ``self_limited`` were completed without a verdict, our own side being the limit. ``places``:
    label (inside a settlement its name, else the highway, else the nearest settlement, else "")
    and number of tests, most first. Times are None in an empty file.
    """

    drives: int
    samples: int
    no_service_samples: int
    tests: int
    above: int
    below: int
    undecided: int
    no_service: int
    failed: int
    skipped: int
    cancelled: int
    self_limited: int
    distance_m: float
    first_utc_us: int | None
    last_utc_us: int | None
    places: tuple[tuple[str, int], ...]
    refused_rows: int


@dataclass(frozen=True, slots=True)
class _TestCounts:
    tests: int
    above: int
    below: int
    undecided: int
    no_service: int
    failed: int
    skipped: int
    cancelled: int
    self_limited: int


def unfinished_drive(connection: Connection) -> UnfinishedDrive | None:
    """Describe the newest drive without an end."""
    found = newest_unfinished(connection)
    if found is None:
        return None
    drive_seq, drive = found
    samples, no_service_samples = _count_samples(connection, drive_seq)
    tests = _count_tests(connection, drive_seq)
    counts = DriveCounts(
        samples,
        no_service_samples,
        tests.tests,
        tests.above,
        tests.below,
        tests.undecided,
        tests.no_service,
        _distance_m(connection, drive_seq),
    )
    return UnfinishedDrive(drive, last_sample(connection, drive_seq), counts)


def survey_summary(connection: Connection) -> SurveySummary:
    """Count everything in the file."""
    samples, no_service_samples = _count_samples(connection, None)
    tests = _count_tests(connection, None)
    first_utc_us, last_utc_us = connection.execute(
        "SELECT min(first), max(last) FROM ("
        " SELECT min(utc_us) AS first, max(utc_us) AS last FROM sample UNION ALL"
        " SELECT min(started_utc_us), max(ended_utc_us) FROM test)"
    ).fetchone()
    return SurveySummary(
        drives=_count(connection, "drive"),
        samples=samples,
        no_service_samples=no_service_samples,
        tests=tests.tests,
        above=tests.above,
        below=tests.below,
        undecided=tests.undecided,
        no_service=tests.no_service,
        failed=tests.failed,
        skipped=tests.skipped,
        cancelled=tests.cancelled,
        self_limited=tests.self_limited,
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
        f"SELECT count(*), total(reachable = 0) FROM sample t WHERE {_of_drive(drive_seq)}"
    ).fetchone()
    return int(samples), int(no_service)


def _count_tests(connection: Connection, drive_seq: int | None) -> _TestCounts:
    outcomes: Counter[Outcome] = Counter()
    verdicts: Counter[Verdict] = Counter()
    no_service = self_limited = 0
    for outcome, cause, verdict, limited, count in connection.execute(
        "SELECT t.outcome, t.cause, j.verdict, coalesce(t.limits, '[]') <> '[]', count(*)"
        " FROM test t LEFT JOIN judgement j ON j.test_seq = t.seq"
        f" WHERE {_of_drive(drive_seq)} GROUP BY 1, 2, 3, 4"
    ):
        outcomes[Outcome(outcome)] += count
        if verdict is not None:
            verdicts[Verdict(verdict)] += count
        elif limited and outcome == Outcome.COMPLETED:
            self_limited += count
        if outcome == Outcome.FAILED and cause not in _OWN_CAUSES:
            no_service += count
    return _TestCounts(
        tests=outcomes.total() - outcomes[Outcome.SKIPPED],
        above=verdicts[Verdict.ABOVE],
        below=verdicts[Verdict.BELOW],
        undecided=verdicts[Verdict.UNDECIDED],
        no_service=no_service,
        failed=outcomes[Outcome.FAILED] - no_service,
        skipped=outcomes[Outcome.SKIPPED],
        cancelled=outcomes[Outcome.CANCELLED],
        self_limited=self_limited,
    )


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
            " WHERE t.outcome <> 'skipped' GROUP BY label ORDER BY tests DESC, label"
        ).fetchall()
    )

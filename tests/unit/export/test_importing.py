"""Whole or not at all, never twice, and never without a word."""

import json
from pathlib import Path

import pytest

from fieldsurvey.export import delimited
from fieldsurvey.export.importing import import_file
from fieldsurvey.export.readers import READERS
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.foreign_logs import (
    GNETTRACK_EVENTS,
    GNETTRACK_LOG,
    GNETTRACK_TESTS,
    gnettrack_second,
    gnettrack_test,
    write_log,
)

TARGET = Target("national-100", "2026.1", 100_000_000, RateLayer.IP)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = [gnettrack_second(second) for second in range(50)]
    return write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows)


def failed(id: str, path: Path, survey: Path, **more: object) -> None:  # noqa: A002 - it is the id
    with pytest.raises(KnownError) as caught:
        import_file(path, survey, **more)  # type: ignore[arg-type]
    assert caught.value.message.id == id
    assert not caught.value.message.text().startswith("[")


def test_the_same_content_under_another_name_is_refused(log: Path, tmp_path: Path) -> None:
    survey = tmp_path / "s.fsurvey"
    import_file(log, survey)
    before = SurveyFile.summary_of(survey)
    copy = tmp_path / "copy.txt"
    copy.write_bytes(log.read_bytes())
    failed("import.twice", copy, survey)
    assert SurveyFile.summary_of(survey) == before


def test_cancelling_leaves_the_survey_as_it_was(log: Path, tmp_path: Path) -> None:
    fresh, old = tmp_path / "new.fsurvey", tmp_path / "old.fsurvey"
    failed("import.cancelled", log, fresh, cancelled=lambda: True)
    assert not fresh.exists()
    other = write_log(tmp_path / "other.txt", GNETTRACK_LOG, [gnettrack_second(3)])
    import_file(other, old)
    before = SurveyFile.summary_of(old)
    asked = iter(range(10))
    failed("import.cancelled", log, old, cancelled=lambda: next(asked) >= 1)
    assert SurveyFile.summary_of(old) == before
    with SurveyFile.open(old) as survey:
        assert survey.check() == []
        assert survey.unfinished_drive() is None


def test_a_bug_in_a_reader_leaves_the_survey_as_it_was(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = next(reader for reader in READERS if reader.name == "gnettrack")
    real = reader.read

    def broken(*arguments: object) -> object:
        yield from real(*arguments)  # type: ignore[arg-type]
        raise ZeroDivisionError

    monkeypatch.setattr(reader, "read", broken)
    survey = tmp_path / "s.fsurvey"
    with pytest.raises(ZeroDivisionError):
        import_file(log, survey)
    assert [path.name for path in tmp_path.iterdir()] == ["log.txt"]


def test_progress_never_goes_back_and_ends_at_one(log: Path, tmp_path: Path) -> None:
    told: list[float] = []
    import_file(log, tmp_path / "s.fsurvey", progress=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "import.unknown_format"),
        (b"what a nice day\n", "import.unknown_format"),
        (b"\x00\x01\x02" * 100, "import.unknown_format"),
        (b"\x1f\x8b but no gzip", "import.unreadable"),
        (b"PAR1 but no parquet", "import.unreadable"),
        (b"<gpx><trk>", "import.unreadable"),
        (b'{"start": {}, "intervals": [], "end": {}}', "import.nothing_understood"),
        (b"Event\tStats\r\nVoice Calls\t40\r\n", "import.unknown_format"),
    ],
)
def test_what_cannot_be_read_makes_no_survey(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    failed(message, path, tmp_path / "s.fsurvey")
    assert not (tmp_path / "s.fsurvey").exists()


def test_wrong_questions(log: Path, tmp_path: Path) -> None:
    failed("import.missing", tmp_path / "none.txt", tmp_path / "s.fsurvey")
    failed("import.unreadable", tmp_path, tmp_path / "s.fsurvey")
    failed("import.unknown_zone", log, tmp_path / "s.fsurvey", zone="Asia/Nowhere")
    failed("import.unknown_zone", log, tmp_path / "s.fsurvey", zone="../etc/passwd")


def test_every_row_of_a_large_file_is_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than a block holds, some of them quoted, so that both ways of reading are taken."""
    monkeypatch.setattr(delimited, "_BLOCK_CHARACTERS", 20_000)
    monkeypatch.setattr(delimited, "PIECE_ROWS", 100)
    for number, name in enumerate(("plain", 'with "quotes"')):
        rows = [gnettrack_second(s, Operatorname='"Quoted, Ltd"' if number and s > 1_000 else "X")
                for s in range(2_000)]  # fmt: skip
        path = write_log(tmp_path / f"{number}.csv", GNETTRACK_LOG, rows, delimiter=",", end="\n")
        reader = next(reader for reader in READERS if reader.name == "gnettrack")
        pieces: list[Piece] = []
        pieces.extend(reader.read(Source(path), "UTC"))
        lines = [line for piece in pieces if piece.samples is not None
                 for line in piece.samples["line"]]  # fmt: skip
        assert lines == list(range(2, 2_002)), name
        assert len(pieces) > 1


def grown(kind: str, rows: int) -> str:
    """A log as it stands after so many rows, each a second apart."""
    if kind == "iperf3":
        total = {"seconds": 0.5, "bytes": 5_000_000, "bits_per_second": 8e7 + 1 / 3}
        return "".join(
            json.dumps(
                {"start": {"timestamp": {"timesecs": 1_777_600_000 + number},
                           "test_start": {"protocol": "TCP", "num_streams": 4, "reverse": 1}},
                 "intervals": [], "end": {"sum_received": total}}
            ) + "\n"
            for number in range(rows)
        )  # fmt: skip
    if kind == "gpx":
        point = '<trkpt lat="43.2{0}1" lon="76.9"><time>2026-05-01T08:00:0{0}Z</time></trkpt>'
        points = "".join(point.format(number) for number in range(rows))
        return f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>"
    seconds = range(rows)
    header, said = {
        "log": (GNETTRACK_LOG, [gnettrack_second(second) for second in seconds]),
        "tests": (GNETTRACK_TESTS, [gnettrack_test(second, 35_925.5, 0) for second in seconds]),
        "events": (GNETTRACK_EVENTS, [gnettrack_event(second) for second in seconds]),
    }[kind]
    lines = [header, *said]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def gnettrack_event(second: int) -> list[object]:
    said = dict(zip(GNETTRACK_LOG, gnettrack_second(second), strict=True))
    said |= {"EventType": "HANDOVER_DATA_4G4G", "EventDetails": "", "State": "D"}
    return [said[name] for name in GNETTRACK_EVENTS]


@pytest.mark.parametrize("kind", ["log", "tests", "events", "iperf3", "gpx"])
def test_a_log_that_has_grown_brings_what_is_new(tmp_path: Path, kind: str) -> None:
    """Somebody copies it from the phone at noon and again in the evening; once a spreadsheet
    saved it with other line ends."""
    survey = tmp_path / "day.fsurvey"
    path = tmp_path / "log.txt"
    reports = []
    for rows in (4, 9):
        path.write_text(grown(kind, rows), encoding="utf-8")
        reports.append(import_file(path, survey, target=TARGET if rows == 4 else None))
    assert [report.known for report in reports] == [0, 4]
    with SurveyFile.open(survey, read_only=True) as opened:
        assert opened.check() == []
        found = [len(list(rows)) for rows in (opened.samples(), opened.tests(), opened.events())]
    assert found == {"log": [9, 0, 0], "tests": [9, 9, 0], "events": [0, 0, 9],
                     "iperf3": [0, 9, 0], "gpx": [9, 0, 0]}[kind]  # fmt: skip
    path.write_text(grown(kind, 9), encoding="utf-8", newline="\r\n")
    failed("import.twice", path, survey)


def test_two_phones_that_set_out_together_stay_two(tmp_path: Path) -> None:
    survey = tmp_path / "day.fsurvey"
    for operator in ("Алатау", "Жетісу"):
        rows = [gnettrack_second(second, Operatorname=operator) for second in range(5)]
        report = import_file(write_log(tmp_path / f"{operator}.txt", GNETTRACK_LOG, rows), survey)
        assert (report.samples, report.known) == (5, 0)


def test_rows_that_differ_by_one_value_are_two(tmp_path: Path) -> None:
    """Python's hash of -1 is that of -2."""
    log, survey = tmp_path / "log.txt", tmp_path / "day.fsurvey"
    at = GNETTRACK_LOG.index("Qual")
    for quality in ("-1", "-2"):
        seconds = [gnettrack_second(0), gnettrack_second(1)]
        seconds[1][at] = quality
        write_log(log, GNETTRACK_LOG, seconds)
        report = import_file(log, survey)
    assert (report.samples, report.known) == (1, 1)

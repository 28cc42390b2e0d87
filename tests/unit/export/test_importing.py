"""Whole or not at all, never twice, and never without a word."""

from pathlib import Path

import pytest

from fieldsurvey.export import delimited
from fieldsurvey.export.importing import import_file
from fieldsurvey.export.readers import READERS
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.foreign_logs import GNETTRACK_LOG, gnettrack_second, write_log


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

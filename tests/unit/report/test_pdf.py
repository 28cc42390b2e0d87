"""The printed file as other programs see it: text, fonts, pages; the same bytes every time."""

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import catalogue
from fieldsurvey.report.subject import Everything, Highway, Programme
from fieldsurvey.report.writing import ReportWritten, write_report
from tests.support.analysis_rows import NOW_UTC_US, measurements, results
from tests.support.headless import ROOT
from tests.support.pdf_reading import (
    fonts_of,
    info_of,
    needs_poppler,
    pages_of,
    pictures_of,
    text_of,
    words_of,
)
from tests.support.report_survey import REF, places, road_report, two_operators

A4 = (595.3, 841.9)
MARGIN = 50.0  # points; the page has 56 at its sides


@pytest.fixture(scope="module")
def kazakh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "road.pdf"
    written = road_report(path, "kk")
    assert written == ReportWritten(path, path.stat().st_size, 399, 400, True, False)
    return path


@needs_poppler
def test_another_program_finds_the_sentence_and_kazakh_letters(kazakh: Path) -> None:
    text = text_of(kazakh)
    assert "KZ38-01, 40–160 км (North): 12 бөліктің әрқайсысы 100 Мбит/с-тан төмен" in text
    for letters in ("Ұзынағаш", "Қордай", "Өлшенген күні", "дерек жеткіліксіз", "Жүрілген"):
        assert letters.casefold()[:7] in text.casefold()
    for heading in ("stretches", "along", "distribution", "no_service", "method", "sources"):
        assert catalogue()[f"report.{heading}"]["kk"] in text


@needs_poppler
def test_fonts_are_in_the_file_and_pages_are_numbered(kazakh: Path) -> None:
    fonts = fonts_of(kazakh)
    assert any("Libertinus" in name for name, _ in fonts)
    assert all(embedded for _, embedded in fonts)
    info = info_of(kazakh)
    assert (info["Title"], info["Author"]) == (REF, "FieldSurvey")
    assert info["Tagged"] == "yes"
    pages = pages_of(kazakh)
    assert len(pages) == int(info["Pages"]) >= 4
    for number, page in enumerate(pages, 1):
        assert re.search(rf"\b{number} ?/ ?{len(pages)}\b", page)


@needs_poppler
@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_is_cut_off_nor_runs_into_the_margin(tmp_path: Path, language: str) -> None:
    path = tmp_path / "road.pdf"
    long_name = two_operators()
    renamed = pl.col("operator").cast(pl.String).replace({"North": "Қазақстан байланысы " * 3})
    m = dataclasses.replace(
        long_name,
        tests=long_name.tests.with_columns(renamed.cast(pl.Categorical)),
        drives=long_name.drives.with_columns(renamed),
    )
    write_report(m, Everything(), path, places=places(), language=language, now_utc_us=NOW_UTC_US)
    for word in words_of(path):
        assert MARGIN < word.left < word.right < A4[0] - MARGIN, word
        assert 40 < word.top < word.bottom < A4[1] - 25, word
    for picture in pictures_of(path, tmp_path):
        edge = round(MARGIN / 72 * 40) - 2
        assert picture[:, :edge].min() == picture[:, -edge:].min() == 255
        assert picture.min() < 200  # something stands on it


@needs_poppler
def test_words_of_a_table_do_not_lie_on_each_other(kazakh: Path) -> None:
    words = [word for word in words_of(kazakh) if word.page == 2]
    assert len(words) > 100
    for n, one in enumerate(words):
        for other in words[n + 1 :]:
            wide = min(one.right, other.right) - max(one.left, other.left)
            high = min(one.bottom, other.bottom) - max(one.top, other.top)
            assert wide < 1 or high < 3, (one, other)


@needs_poppler
def test_training_is_said_on_every_page(tmp_path: Path) -> None:
    path = tmp_path / "training.pdf"
    m = two_operators()
    m = dataclasses.replace(m, drives=m.drives.with_columns(replayed=pl.lit(value=True)))
    assert write_report(
        m, Highway(REF), path, places=places(), language="ru", now_utc_us=NOW_UTC_US
    ).empty
    assert catalogue()["report.band"]["ru"] not in text_of(path)
    written = write_report(
        m, Highway(REF), path, places=places(), language="ru", now_utc_us=NOW_UTC_US, trained=True
    )
    assert written.tests == 400
    for page in pages_of(path):
        assert catalogue()["report.band"]["ru"] in " ".join(page.split())


def test_the_same_input_gives_the_same_bytes_in_another_process(
    kazakh: Path, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.support.report_survey import road_report;"
        "road_report(Path(sys.argv[1]), 'kk')"
    )
    path = tmp_path / "elsewhere" / "other.pdf"
    path.parent.mkdir()
    surroundings = {"PYTHONHASHSEED": "7", "TZ": "Asia/Almaty", "LANG": "ru_RU.UTF-8"}
    subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT, env=os.environ | surroundings, check=True, timeout=120,
    )  # fmt: skip
    digests = {hashlib.sha256(one.read_bytes()).hexdigest() for one in (kazakh, path)}
    assert len(digests) == 1
    content = path.read_bytes()
    assert b"elsewhere" not in content
    assert str(ROOT).encode() not in content


@pytest.mark.parametrize("subject", ["highway", "box", "everything", "programme"])
def test_what_is_equally_many_has_an_order_all_the_same(tmp_path: Path, subject: str) -> None:
    """Neither the seed of hashes nor the number of threads may choose which row comes first."""
    code = (
        "import sys; from pathlib import Path; from tests.support.report_survey import ties_report;"
        "ties_report(Path(sys.argv[1]), sys.argv[2])"
    )
    digests = set()
    for seed, threads in (("1", "1"), ("2", "2"), ("3", "4")):
        path = tmp_path / f"{seed}.pdf"
        surroundings = {"PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": threads}
        subprocess.run(
            [sys.executable, "-c", code, str(path), subject],
            cwd=ROOT, env=os.environ | surroundings, check=True, timeout=120,
        )  # fmt: skip
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_another_order_of_rows_gives_the_same_report(tmp_path: Path) -> None:
    m = measurements([*results("aabbn" * 4), *results("bbb", operator="B")])
    paths = []
    for name, own in (("a", m), ("b", dataclasses.replace(m, tests=m.tests.reverse()))):
        paths.append(tmp_path / name)
        write_report(
            own, Highway("KAZ01"), paths[-1], places=None, language="en", now_utc_us=NOW_UTC_US
        )
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_name_that_the_fonts_lack_is_no_reason_for_no_report(tmp_path: Path) -> None:
    m = measurements(results("aab", operator="電信 📶"))
    written = write_report(
        m, Highway("KAZ01"), tmp_path / "x.pdf", places=None, language="en", now_utc_us=NOW_UTC_US
    )
    assert not written.archival
    assert written.tests == 3


def test_names_are_text_and_not_commands_of_the_template(tmp_path: Path) -> None:
    name = '#panic("x") $ *b* `c` _d_ \\ "e" <f> @g'
    m = measurements(results("a" * 9, operator=name), drives=[{"source": name, "device": name}])
    path = tmp_path / "x.pdf"
    write_report(m, Everything(), path, places=None, language="en", now_utc_us=NOW_UTC_US)
    assert path.stat().st_size > 10_000


def test_cancelling_keeps_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "road.pdf"
    path.write_bytes(b"old")
    asked: list[float] = []
    with pytest.raises(KnownError) as caught:
        road_report(path, progress=asked.append, cancelled=lambda: len(asked) >= 2)
    assert caught.value.message.id == "report.cancelled"
    assert asked == sorted(asked)
    assert [one.name for one in tmp_path.iterdir()] == ["road.pdf"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_not_there_is_a_known_error(tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        write_report(
            measurements(), Programme(), tmp_path / "no" / "x.pdf", places=None, language="en",
            now_utc_us=NOW_UTC_US,
        )  # fmt: skip
    assert caught.value.message.id == "report.not_written"

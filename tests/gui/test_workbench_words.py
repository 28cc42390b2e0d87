"""What figures of the workbench read like: as in the report, and never better than they are."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.along import Axis
from fieldsurvey.gui.workbench.annotations import Annotation
from fieldsurvey.gui.workbench.chart_axes import AlongAxis
from fieldsurvey.gui.workbench.filters import Filters
from fieldsurvey.gui.workbench.judged import judge
from fieldsurvey.gui.workbench.saying import percent, spoken
from fieldsurvey.gui.workbench.table_columns import STRETCHES
from fieldsurvey.gui.workbench.table_columns import test_columns as columns_of_tests
from fieldsurvey.gui.workbench.words import clock, day, words_of
from fieldsurvey.model.messages import LANGUAGES, message
from fieldsurvey.report.wording import Wording
from tests.support.analysis_places import small_country
from tests.support.analysis_rows import NOW_UTC_US, measurements, results


@pytest.mark.parametrize("reaching", range(201))
def test_a_share_reads_as_in_the_report_but_is_never_rounded_up_to_all(reaching: int) -> None:
    said = percent(Texts("en"), reaching / 200)
    if reaching == 199:
        assert said == "99"
    else:
        assert f"{said}\N{NO-BREAK SPACE}%" == Wording("en").percent(reaching / 200)


def test_decimals_of_sentences_have_the_sign_of_the_language() -> None:
    ratio = {"ratio": "2.62", "low": "1.05", "high": "3.10"}
    told = message("analysis.pairs_ratio", sentence=message("analysis.of_operator", place="2.0 x",
                   operator="A.1"), **ratio)  # fmt: skip
    assert "2,62" in spoken(Texts("ru"), told)
    assert "2.0 x" in spoken(Texts("ru"), told), "what is no figure stays"
    assert "2.62" in spoken(Texts("en"), told)
    assert "25,276" in spoken(Texts("en"), message("plan.left_out", places=25_276))
    assert "<0,01" in spoken(Texts("ru"), message("analysis.event_rank_mbps", mbps="<0.01"))


def test_the_last_stretch_ends_with_its_highway(tmp_path: Path) -> None:
    """As on the command line, in plans and in reports."""
    m = measurements([*results("a", chainage_m=1.0), *results("a", chainage_m=21_000.0)])
    places = small_country(tmp_path)
    (_, km, *_) = STRETCHES
    for length_m, told in ((10_000, ["0–10", "20–25"]), (1_000, ["0–1", "21–22"])):
        judged = judge(m, length_m, places, NOW_UTC_US)
        assert [km.text(Texts("en"), row) for row in judged.stretches.to_dicts()] == told
    for to_m, told in ((34_349, "30–34,3"), (34_980, "30–35"), (40_000, "30–40")):
        assert km.text(Texts("ru"), {"from_m": 30_000, "to_m": to_m}) == told
    assert km.text(Texts("en"), {"from_m": 10_000, "to_m": 10_100}) == "10.0–10.1"


def test_a_name_of_digits_is_no_figure() -> None:
    """Campaigns are called by their year, and operators by their code where no name is known."""
    about = {"pairs": 1_234, "faster": 0, "slower": 0, "percent": "95", "km": "1"}
    told = message("analysis.pairs_undecided", a="2025", b="2026", **about)
    said = spoken(Texts("en"), told)
    assert said.startswith("2025 and 2026: not enough data")
    assert "1,234" in said
    place = message("analysis.of_operator", place="Шелек", operator="40177")
    assert spoken(Texts("ru"), place) == "Шелек (40177)"


def test_a_kazakh_postposition_stands_behind_its_word() -> None:
    assert Texts("kk").tr("wb_by", field="оператор") == "оператор бойынша"


def test_times_are_of_kazakhstans_clock(qapp: QApplication) -> None:
    midnight_utc_us = 1_779_062_400 * 1_000_000  # 2026-05-18 00:00 UTC
    assert clock(midnight_utc_us - 1) == "2026-05-18 04:59:59"
    assert day(midnight_utc_us - 6 * 3_600_000_000) == "2026-05-17"
    axis = AlongAxis()
    axis.choose(Axis.TIME, Texts("en"))
    begin_s = midnight_utc_us / 1e6
    ((step, ticks),) = axis.tickValues(begin_s - 12 * 3_600, begin_s + 12 * 3_600, 400)
    assert axis.tickStrings(ticks, 1.0, step)[1] == "05-18", "the day begins at 19:00 UTC"
    words = words_of(Texts("en"), Filters(first_utc_us=midnight_utc_us), "time", {})
    assert words == "2026-05-18 05:00 – … (UTC+5)"


def test_a_place_is_cut_as_it_is_judged() -> None:
    columns = {column.title_id: column for column in columns_of_tests(lambda _id: Annotation())}
    row = {"highway_ref": "KAZ01", "chainage_m": 9_955.0}
    assert columns["wb_col_where"].text(Texts("en"), row) == "KAZ01 9.9 km"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_open_verdict_has_one_name(language: str) -> None:
    texts = Texts(language)
    named = {texts.tr(name) for name in ("wb_word_undecided", "wb_outlook_undecided",
                                         "map_undecided")}  # fmt: skip
    assert len(named) == 1


def cell(row: dict[str, Any], title_id: str) -> str:
    """Return what stands in a column of the table of stretches."""
    column = next(column for column in STRETCHES if column.title_id == title_id)
    return column.text(Texts("en"), row)


def judged(above: int, below: int, no_service: int = 0) -> dict[str, Any]:
    tests = above + below + no_service
    return {
        "tests": tests, "above": above, "below": below, "no_service": no_service,
        "share_above": above / tests if tests else None, "share_low": 0.037, "share_high": 0.992,
        "median_bps": None, "p10_bps": None,
    }  # fmt: skip


def test_a_share_of_fewer_than_five_tests_is_withheld_as_in_the_report() -> None:
    assert cell(judged(1, 0), "wb_col_share") == "n < 5"
    assert cell(judged(4, 0), "wb_col_median") == "n < 5"
    assert cell(judged(0, 0), "wb_col_share") == ""
    assert cell(judged(4, 2), "wb_col_share").replace("\N{NO-BREAK SPACE}", " ") == (
        "67 % (3–100 %)"
    )


def test_a_rank_without_service_says_so() -> None:
    assert cell(judged(1, 0, no_service=4), "wb_col_median") == "no service"

"""Numbers as readers of three languages expect them; what is missing is never a number."""

import pytest

from fieldsurvey.cli.analyse import _day
from fieldsurvey.model.messages import message
from fieldsurvey.report.wording import DASH, Wording
from tests.support.analysis_rows import DAY_US, NOW_UTC_US

EN, KK, RU = (Wording(language) for language in ("en", "kk", "ru"))


def test_an_interval_is_printed_no_narrower_than_it_is() -> None:
    assert EN.interval(0.919_999, 0.9962) == "91–100\N{NO-BREAK SPACE}%"


def test_decimal_marks_and_groups() -> None:
    assert EN.number(1_234_567.25, 2) == "1\u202f234\u202f567.25"
    assert RU.number(1_234.5, 1) == KK.number(1_234.5, 1) == "1\u202f234,5"
    assert EN.number(-17.4, 1) == "\N{MINUS SIGN}17.4"


@pytest.mark.parametrize(
    ("rate_bps", "shown"),
    [
        (210_400_000, "210"), (99_960_000, "99.9"), (4_200_000, "4.20"), (31_000, "0.03"),
        (1_000, "<0.01"), (0, "<0.01"),
    ],
)  # fmt: skip
def test_no_rate_is_printed_as_0_nor_as_a_target_it_missed(rate_bps: int, shown: str) -> None:
    assert EN.mbps(rate_bps) == shown


def test_what_is_missing_is_a_dash() -> None:
    shown = [
        EN.number(None), EN.number(float("nan")), EN.mbps(None), EN.km(None), EN.percent(None),
        EN.interval(None, 0.5), EN.milliseconds(None), EN.day(None), EN.minute(None),
        EN.days(None, None),
    ]  # fmt: skip
    assert set(shown) == {DASH}


def test_lengths_have_decimals_only_where_they_say_something() -> None:
    assert [EN.km(metres) for metres in (40_000, 203_412.0, 99.0)] == ["40", "203.4", "0.1"]
    assert RU.km(203_412.0) == "203,4"


def test_days_are_those_of_kazakhstan_as_analyse_says_them() -> None:
    evening_us = NOW_UTC_US + 6 * 3_600 * 1_000_000  # 20:13 UTC
    assert (EN.day(evening_us), EN.minute(evening_us)) == (
        "2026-09-22", "2026-09-22 01:13 UTC+5",
    )  # fmt: skip
    assert EN.day(evening_us) == _day(evening_us)


def test_whole_numbers_of_any_message_are_in_groups_of_three() -> None:
    said = message("analysis.missing_settlements", number=11_604, total=1_234_567)
    assert "11\u202f604" in RU.say(said)
    assert "1\u202f234\u202f567" in RU.say(said)
    inner = message("analysis.more_tests", number=1_500)
    assert "1\u202f500" in EN.say(message("analysis.with_no_service", sentence=inner, no_service=1))


def test_days_and_times() -> None:
    assert (EN.day(NOW_UTC_US), RU.day(NOW_UTC_US)) == ("2026-09-21", "21.09.2026")
    assert KK.minute(NOW_UTC_US) == "21.09.2026 19:13 UTC+5"
    assert EN.days(NOW_UTC_US - DAY_US, NOW_UTC_US) == "2026-09-20 – 2026-09-21"
    assert EN.days(NOW_UTC_US, NOW_UTC_US + 1) == "2026-09-21"

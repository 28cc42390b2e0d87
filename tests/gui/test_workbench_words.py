"""What figures of the workbench read like: as in the report, and never better than they are."""

from typing import Any

import pytest

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.saying import percent
from fieldsurvey.gui.workbench.table_columns import STRETCHES
from fieldsurvey.report.wording import Wording


@pytest.mark.parametrize("reaching", range(201))
def test_a_share_reads_as_in_the_report_but_is_never_rounded_up_to_all(reaching: int) -> None:
    said = percent(Texts("en"), reaching / 200)
    if reaching == 199:
        assert said == "99"
    else:
        assert f"{said}\N{NO-BREAK SPACE}%" == Wording("en").percent(reaching / 200)


def cell(row: dict[str, Any], title_id: str) -> str:
    """Return what stands in a column of the table of stretches."""
    column = next(column for column in STRETCHES if column.title_id == title_id)
    return column.text(Texts("en"), row)


def judged(above: int, below: int, no_service: int = 0) -> dict[str, Any]:
    tests = above + below + no_service
    return {
        "tests": tests, "above": above, "below": below, "no_service": no_service,
        "share_above": above / tests if tests else None, "share_low": 0.031, "share_high": 0.998,
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

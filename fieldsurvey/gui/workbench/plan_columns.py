"""The columns of what to drive next, and of what the crews got done."""

from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.planned import HIDDEN
from fieldsurvey.gui.workbench.table_columns import km_of, number
from fieldsurvey.gui.workbench.table_model import Column, Row
from fieldsurvey.gui.workbench.words import word_of
from fieldsurvey.model.messages import message

# A verdict that is open looks like one everywhere; where there is none, nothing was tested.
_SIGNS = {"undecided": Outlook.UNDECIDED, "stale": Outlook.UNDECIDED}


def _km(texts: Texts, row: Row) -> str:
    return "" if row["from_m"] is None else km_of(texts, row)


def _so_far(texts: Texts, row: Row) -> str:
    return texts.number(row["so_far_m"] / 1000)


def _operators(texts: Texts, row: Row) -> str:
    """Who lacks tests, who lacks most first; how many where not all lack the same."""
    alike = len({one["tests"] for one in row["operators"]}) == 1
    said = []
    for one in row["operators"]:
        name = word_of(texts, "operator", one["name"])
        said.append(name if alike else f"{name} {texts.number(one['tests'])}")
    return ", ".join(said)


def _why(texts: Texts, row: Row) -> str:
    if row["reason"] == HIDDEN:
        return texts.tr("wb_why_hidden")
    return texts.say(message(f"plan.why_{row['reason']}"))


PLAN = (
    number("wb_col_in_turn", "number"),
    Column("wb_col_place", lambda _texts, row: row["place"], "place"),
    Column("wb_col_km", _km, "from_m", is_number=True),
    Column(
        "wb_col_why",
        _why,
        "reason",
        sign=lambda row: _SIGNS.get(row["reason"], Outlook.NOT_TESTED),
    ),
    Column("wb_field_operator", _operators, "operator"),
    number("wb_col_tests_needed", "tests_needed"),
    number("wb_col_passes", "passes"),
    Column("wb_col_so_far", _so_far, "so_far_m", is_number=True),
)
CREWS = (
    Column("wb_col_day", lambda _texts, row: row["day"], "day_utc_us"),
    Column("wb_col_crew", lambda _texts, row: row["crew"], "crew"),
    number("wb_col_km_driven", "km_driven"),
    number("wb_col_tests", "tests"),
    number("wb_col_decided", "decided_stretches"),
)

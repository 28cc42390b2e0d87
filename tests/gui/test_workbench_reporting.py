"""What a report on the selection is made of and says of itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench import desk
from fieldsurvey.gui.workbench.annotations import Annotations
from fieldsurvey.gui.workbench.facts import facts_of
from fieldsurvey.gui.workbench.filters import Filters, RoadRange
from fieldsurvey.gui.workbench.reporting import report_subject
from fieldsurvey.gui.workbench.selection import SelectionModel
from tests.support.pdf_reading import text_of
from tests.support.workbench_data import HIGHWAY, TARGET_BPS, US, a_highway

TEXTS = Texts("en")


@pytest.fixture
def model(tmp_path: Path) -> SelectionModel:
    highway = a_highway(2_000, 60)
    notes = Annotations(tmp_path / "notes.json", now_utc_us=lambda: 0)
    return SelectionModel(highway, facts_of(highway, TARGET_BPS), notes)


def test_all_of_it_is_called_all_of_it(model: SelectionModel) -> None:
    subject = report_subject(model, TEXTS)
    assert subject.said() == ()
    assert subject.measurements().tests.equals(model.measurements.tests)


def test_no_result_is_chosen_and_a_filter_is_named(model: SelectionModel) -> None:
    model.set_filters(Filters(choices={"result": ("above",), "operator": ("Beeline",)}))
    subject = report_subject(model, TEXTS)
    assert subject.said() == ("operator: Beeline",)
    tests = subject.measurements().tests
    assert tests["operator"].unique().to_list() == ["Beeline"]
    assert len(tests) == 60
    assert tests["result"].n_unique() > 1


def test_a_place_that_is_marked_in_part_is_taken_whole(model: SelectionModel) -> None:
    tests = model.facts.tests
    kcell = tests.fields["operator"].is_word("Kcell")
    near_15_km = np.abs(tests.chainage_m - 15_000) < 1_500
    model.brush_tests(kcell & near_15_km)
    assert model.tests_count == 4
    subject = report_subject(model, TEXTS)
    assert subject.said() == (
        f"tests marked by hand: {model.tests_count}; their places are judged whole",
    )
    found = subject.measurements()
    assert found.tests["operator"].unique().to_list() == ["Kcell"]
    stretch = (tests.chainage_m >= 10_000) & (tests.chainage_m < 20_000)
    assert set(model.test_keys(kcell & stretch)) <= set(found.tests["test_id"])
    assert found.samples["drive"].unique().to_list() == [0]


def test_a_marked_test_brings_no_stretch_that_it_ran_on_into(tmp_path: Path) -> None:
    highway = a_highway(2_000, 60)
    last = highway.samples.filter(pl.col("drive") == 0, pl.col("chainage_m") < 10_000)[-1]
    row = 13
    at = pl.int_range(pl.len()) == row
    moved = highway.tests.with_columns(
        pl.when(at).then(last["utc_us"].item()).otherwise("started_utc_us").alias("started_utc_us"),
        pl.when(at)
        .then(last["utc_us"].item() + 2 * US)
        .otherwise("ended_utc_us")
        .alias("ended_utc_us"),
        pl.when(at).then(last["chainage_m"].item()).otherwise("chainage_m").alias("chainage_m"),
    )
    highway = replace(highway, tests=moved)
    notes = Annotations(tmp_path / "notes.json", now_utc_us=lambda: 0)
    model = SelectionModel(highway, facts_of(highway, TARGET_BPS), notes)
    model.brush_tests(np.arange(len(moved)) == row)
    assert model.samples_count == 3, "one before km 10, two behind it"
    found = report_subject(model, TEXTS).measurements()
    for rows in (found.tests, found.samples):
        assert set(rows["chainage_m"] // 10_000) == {0}


def test_the_page_names_what_was_chosen_and_what_was_left_out(
    model: SelectionModel, tmp_path: Path
) -> None:
    keys = ["test-0-000001", "test-0-000002"]
    model.notes.put(model.notes.changed(keys, excluded="car stood in a garage"))
    model.notes_changed()
    model.set_filters(Filters(choices={"operator": ("Kcell",), "result": ("above",)}))
    subject = report_subject(model, TEXTS)
    output = tmp_path / "chosen.pdf"
    written = desk.report_on(subject, output, None, "en", lambda _: None, lambda: False)
    assert written.asked == 58
    text = text_of(output)
    assert "A selection of what was measured" in text
    assert "All that was measured" not in text
    assert "operator: Kcell" in text
    assert "tests left out by hand: 2, because: car stood in a garage" in text


def test_only_what_was_left_out_of_this_very_evidence_is_told(model: SelectionModel) -> None:
    tests = model.facts.tests
    near = int(np.flatnonzero((tests.chainage_m > 18_000) & (tests.drive == 0))[0])
    for row, reason in ((near, "tunnel"), (59, "ferry"), (60, "garage")):
        key = model.measurements.tests["test_id"][row]
        model.notes.put(model.notes.changed([key], excluded=reason))
    model.notes_changed()
    told = "tests left out by hand: 1, because: "
    every = tuple(told + reason for reason in ("ferry", "garage", "tunnel"))
    assert report_subject(model, TEXTS).said() == every
    model.set_filters(Filters(choices={"operator": ("Kcell",)}))
    kcell = ("operator: Kcell", told + "ferry", told + "tunnel")
    assert report_subject(model, TEXTS).said() == kcell, "the garage was Beeline's"
    model.brush_tests((tests.chainage_m > 10_000) & (tests.chainage_m < 12_000))
    assert report_subject(model, TEXTS).said()[2:] == (told + "tunnel",), "of the same stretch"
    model.set_brush(None)
    model.set_filters(Filters(road=RoadRange(HIGHWAY, 30_000, 31_000), excluded=True))
    assert len(report_subject(model, TEXTS).said()) == 1

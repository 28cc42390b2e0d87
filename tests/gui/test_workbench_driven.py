"""The workbench as a new supervisor uses it: the real program on a real X server, by hand."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.export.opening import open_measurements
from tests.support.gui_xvfb import need, x_server
from tests.support.pdf_reading import text_of
from tests.support.workbench_data import HIGHWAY, a_highway
from tests.support.workbench_files import write_places, write_surveys
from tests.support.workbench_hands import Workbench, wait_for


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_server("1280x800") as name:
        yield name


def test_from_a_file_to_a_printed_page_by_hand(display: str, tmp_path: Path) -> None:
    """Open, find a village, select a stretch, compare two operators, export, print."""
    need("import")
    surveys = write_surveys(tmp_path, a_highway(3_000, 90))
    places = write_places(tmp_path)
    exported, printed = tmp_path / "stretch.csv", tmp_path / "stretch.pdf"
    reported = tmp_path / "report.pdf"
    with Workbench(display, tmp_path, "--places", str(places)) as desk:
        desk.picture("1-nothing-open")
        desk.key("ctrl+o")
        desk.wait_for_window("Open files")
        desk.write(" ".join(f'"{path}"' for path in surveys))
        desk.key("Return")
        desk.wait_for_window("kcell.fsurvey, beeline.fsurvey")

        desk.key("ctrl+f")
        desk.write("qask")
        desk.picture("2-find")
        desk.key("Return")
        desk.picture("3-village")

        desk.key("F6", "F6", "ctrl+Tab", "Down", "Down")  # the first 10 km: Beeline, then Kcell
        desk.key("x")
        desk.picture("4-stretch")

        desk.key("Escape", "ctrl+4")
        desk.picture("5-distribution")
        desk.key("ctrl+5")
        desk.picture("6-compared")
        desk.key("F6", "Down", "Down")  # back to the table, whose first row is Beeline's

        desk.key("ctrl+e")
        desk.wait_for_window("Export what is selected")
        desk.key("c")  # the format, by its first letter
        desk.key("Tab", "ctrl+a")
        desk.write(str(exported))
        desk.picture("7-export")
        desk.key("Return")
        wait_for(exported.exists, "nothing was exported")

        desk.key("ctrl+r")
        desk.wait_for_window("Report on selection")
        desk.key("ctrl+a")
        desk.write(str(reported))
        desk.key("Return")
        wait_for(reported.exists, "nothing was reported")

        desk.key("ctrl+p")
        desk.wait_for_window("Print to PDF")
        desk.key("ctrl+a")
        desk.write(str(printed))
        desk.key("Return")
        wait_for(printed.exists, "nothing was printed")
        desk.picture("8-printed")
        desk.leave()

    tests = pl.read_csv(tmp_path / "stretch-tests.csv")
    all_tests = open_measurements(surveys).tests
    wanted = all_tests.filter(
        (pl.col("highway_ref") == HIGHWAY)
        & (pl.col("chainage_m") < 10_000)
        & (pl.col("operator") == "Kcell")
    )
    assert sorted(tests["test_id"]) == sorted(wanted["test_id"])
    assert 0 < len(tests) < len(all_tests)
    assert "(UTC+5) by FieldSurvey" in text_of(printed)
    assert f"{HIGHWAY}, km 0–10 (Kcell): above 100 Mbps" in text_of(reported)

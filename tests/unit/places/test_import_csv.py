"""CSV as people make it: Excel, semicolons, other code pages, vertex lists, WKT."""

from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import import_files
from tests.support.places_inputs import imported, reasons


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "input.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_settlements_by_column_names(tmp_path: Path) -> None:
    text = (
        "wof_id,name,name_en,name_ru,name_kk,lat,lon,population\n"
        "7,Tamdy,,Тамды,Тамды,48.1,67.2,950\n"
        '8,"Kos, Agash",,,,48.2,67.3,\n'
    )
    places, _ = imported(tmp_path, csv_file(tmp_path, text))
    table = places.settlements()
    assert (table.id, table.name) == (("7", "8"), ("Tamdy", "Kos, Agash"))
    assert table.name_ru == ("Тамды", "")
    assert table.population.tolist() == [950, -1]
    assert table.latitude_deg.tolist() == [48.1, 48.2]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_excel_semicolons_decimal_commas_and_marks(tmp_path: Path, encoding: str) -> None:
    text = "Name;Latitude;Longitude;Population\r\nАқкөл;52,01;70,94;14 500\r\n"
    places, report = imported(tmp_path, csv_file(tmp_path, text, encoding))
    table = places.settlements()
    assert (table.name, table.population.tolist()) == (("Ақкөл",), [14_500])
    assert (table.latitude_deg[0], table.longitude_deg[0]) == (52.01, 70.94)
    assert "places.warn_code_page" not in {warning.id for warning in report.warnings}


def test_the_windows_code_page_is_read_with_a_warning(tmp_path: Path) -> None:
    text = "name\tширота\tдолгота\nСтепногорск\t52.35\t71.88\n"
    places, report = imported(tmp_path, csv_file(tmp_path, text, "cp1251"))
    assert places.settlements().name == ("Степногорск",)
    assert "places.warn_code_page" in {warning.id for warning in report.warnings}


def test_bad_rows_are_named_by_their_number(tmp_path: Path) -> None:
    text = (
        "name,lat,lon\nGood,50,70\nNo number,north,70\nShort,50\nFar,500,70\n,50,70\nNaN,nan,70\n"
    )
    _, report = imported(tmp_path, csv_file(tmp_path, text))
    assert list(reasons(report)) == [
        ("row 3: No number", "skip_no_geometry"),
        ("row 4: Short", "skip_no_geometry"),
        ("row 5: Far", "skip_bad_coordinates"),
        ("row 6", "skip_no_name"),
        ("row 7: NaN", "skip_no_geometry"),
    ]
    assert report.sources[0].read == 6


def test_a_table_without_coordinates_is_refused_naming_its_columns(tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        import_files([csv_file(tmp_path, "name,town\nA,B\n")], tmp_path / "out.places")
    assert caught.value.message.id == "places.csv_no_coordinates"
    assert "name, town" in str(caught.value)


def test_highways_as_rows_of_vertices(tmp_path: Path) -> None:
    text = (
        "ref,part,seq,lat,lon\n"
        "A1,1,2,50.0,70.01\nA1,1,10,50.0,70.02\nA1,1,1,50.0,70.0\n"
        "A1,2,1,51.0,70.0\nA1,2,2,51.0,70.01\n"
        "A2,,1,50.0,70.0\nA2,,2,oops,70.0\n"
    )
    places, report = imported(tmp_path, csv_file(tmp_path, text))
    lines = places.highway_lines()
    assert [(line.ref, line.longitude_deg.tolist()) for line in lines] == [
        ("A1", [70.0, 70.01, 70.02]),
        ("A1 (2)", [70.0, 70.01]),
    ]
    assert list(reasons(report)) == [("row 7 – row 8: A2", "skip_no_geometry")]


def test_highways_as_wkt(tmp_path: Path) -> None:
    long_line = ", ".join(f"{70 + i / 10_000:.7f} 50.0000000" for i in range(9_000))
    cut_off, not_a_number = "LINESTRING (70 50", "LINESTRING (70 50, nan 50)"
    rows = [f"LINESTRING ({long_line})", cut_off, not_a_number]
    text = "WKT,ref\n" + "".join(f'"{row}",A{n}\n' for n, row in enumerate(rows, 1))
    places, report = imported(tmp_path, csv_file(tmp_path, text))
    assert [len(line.latitude_deg) for line in places.highway_lines()] == [9_000]
    assert list(reasons(report)) == [
        ("row 3: A2", "skip_no_geometry"),
        ("row 4: A3", "skip_bad_coordinates"),
    ]

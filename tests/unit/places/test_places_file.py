"""The file itself: complete, replaced at once or not at all, damage noticed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES, catalogue
from fieldsurvey.places import places_file
from fieldsurvey.places.places_file import FORMAT, import_files, open_places
from tests.support.places_inputs import geojson, imported, square

LINE = [[70.0, 50.0], [70.1, 50.0], [70.15, 50.05]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return geojson(
        tmp_path / "in.geojson",
        ({"ref": "KAZ01"}, "LineString", LINE),
        ({"name": "Akkol", "name_kk": "Ақкөл", "population": 14_500}, "Point", [70.0, 50.0]),
        ({"name": "Bereke"}, "Polygon", square(70.5, 50.0, 0.02)),
        ({"name": "street"}, "LineString", LINE),
    )


def error_of(path: Path) -> str:
    with pytest.raises(KnownError) as caught:
        open_places(path)
    return caught.value.message.id


def test_what_is_imported_is_what_is_opened(tmp_path: Path, source: Path) -> None:
    places, report = imported(tmp_path, source)
    (line,) = places.highway_lines()
    assert np.array_equal(np.c_[line.longitude_deg, line.latitude_deg], LINE)
    table = places.settlements()
    assert (table.name, table.name_kk) == (("Bereke", "Akkol"), ("", "Ақкөл"))
    assert table.population.tolist() == [-1, 14_500]
    assert [border is not None for border in table.border_wkb] == [True, False]
    assert places.version == report.version
    assert len(places.version) == 12


def test_the_version_follows_the_content_alone(tmp_path: Path, source: Path) -> None:
    first = import_files([source], tmp_path / "1.places").version
    assert import_files([source, source], tmp_path / "2.places").version == first
    moved = geojson(source, ({"ref": "KAZ01"}, "LineString", [*LINE[:2], [70.15, 50.06]]))
    assert import_files([moved], tmp_path / "3.places").version != first


def test_importing_replaces_the_old_content_and_tells_progress(
    tmp_path: Path, source: Path
) -> None:
    output = tmp_path / "deep" / "kz.places"
    import_files([source], output)
    other = geojson(tmp_path / "b.geojson", ({"ref": "KAZ02"}, "LineString", LINE))
    told: list[tuple[str, float]] = []
    import_files([other], output, lambda name, share: told.append((name, share)))
    assert [line.ref for line in open_places(output).highway_lines()] == ["KAZ02"]
    assert told[0] == ("b.geojson", 0.0)
    assert told[-1][1] == 1.0
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert os.listdir(output.parent) == ["kz.places"]  # noqa: PTH208 - names are what is asked


def test_a_places_file_is_taken_as_it_is(tmp_path: Path, source: Path) -> None:
    given, output = tmp_path / "region.places", tmp_path / "deep" / "kz.places"
    made = import_files([source], given)
    taken = import_files([given], output)
    assert output.read_bytes() == given.read_bytes()
    assert (taken.output, taken.version) == ("kz.places", made.version)
    import_files([output], output)
    assert open_places(output).version == made.version
    (tmp_path / "foreign.places").write_bytes(b"no places")
    with pytest.raises(KnownError) as caught:
        import_files([tmp_path / "foreign.places"], output)
    assert caught.value.message.id == "places.foreign"
    assert output.read_bytes() == given.read_bytes()


def test_a_cancelled_import_leaves_the_old_file_as_it_was(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    before = output.read_bytes()
    asked = iter([False, True])
    with pytest.raises(KnownError) as caught:
        import_files([source], output, cancelled=lambda: next(asked))
    assert caught.value.message.id == "places.cancelled"
    assert output.read_bytes() == before


@pytest.mark.parametrize("name", ["gone.geojson", "table.xlsx"])
def test_a_failed_import_leaves_the_old_file_as_it_was(
    tmp_path: Path, source: Path, name: str
) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    before = output.read_bytes()
    with pytest.raises(KnownError):
        import_files([source, tmp_path / name], output)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.geojson", "kz.places"]


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    before = output.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KnownError) as caught:
        import_files([source], output)
    assert caught.value.message.id == "places.not_written"
    assert "No space left" in str(caught.value)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.geojson", "kz.places"]


def test_what_is_not_a_places_file_is_told_apart(tmp_path: Path, source: Path) -> None:
    assert error_of(tmp_path / "none.places") == "places.missing"
    assert error_of(source) == "places.foreign"
    other = tmp_path / "other.places"
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE TABLE highway (ref TEXT)")
    assert error_of(other) == "places.foreign"
    output = tmp_path / "kz.places"
    import_files([source], output)
    with closing(sqlite3.connect(output)) as database, database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    assert error_of(output) == "places.newer"


def test_a_file_of_the_first_format_still_opens(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    now = open_places(output)
    with closing(sqlite3.connect(output)) as database, database:
        database.execute("ALTER TABLE highway DROP COLUMN chainage_m")
        database.execute("PRAGMA user_version = 1")
        rows = database.execute(places_file._HIGHWAYS.format(chainage_m="")).fetchall()
        version = places_file._version(rows, places_file._settlement_rows(now.settlements()))
        database.execute("UPDATE meta SET value = ? WHERE name = 'version'", (version,))
    (line,), (line_now,) = open_places(output).highway_lines(), now.highway_lines()
    assert line.chainage_m.tolist() == line_now.chainage_m.tolist()
    assert open_places(output).version == version != now.version


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE highway SET tolerance_m = 9000",
        "UPDATE highway SET chainage_m = zeroblob(24)",
        "UPDATE highway SET latitude_deg = zeroblob(24)",
        "UPDATE settlement SET radius_m = radius_m + 1",
        "DELETE FROM settlement WHERE name = 'Akkol'",
        "DELETE FROM meta",
        "UPDATE meta SET value = '{}' WHERE name = 'report'",
        "DROP TABLE settlement",
    ],
)
def test_a_changed_file_is_damaged_not_believed(tmp_path: Path, source: Path, damage: str) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    with closing(sqlite3.connect(output)) as database, database:
        database.execute(damage)
    assert error_of(output) == "places.damaged"


def test_a_cut_off_file_is_damaged(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "kz.places"
    import_files([source], output)
    output.write_bytes(output.read_bytes()[:9_000])
    assert error_of(output) == "places.damaged"


def test_a_file_on_a_read_only_stick_opens_and_is_not_touched(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "stick" / "kz.places"
    import_files([source], output)
    output.chmod(0o444)
    output.parent.chmod(0o555)
    try:
        assert len(open_places(output).highway_lines()) == 1
        assert [path.name for path in output.parent.iterdir()] == ["kz.places"]
    finally:
        output.parent.chmod(0o755)


def test_every_message_of_the_package_exists_in_every_language() -> None:
    sources = Path(places_file.__file__).parent.glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    texts = {name: entry for name, entry in catalogue().items() if name.startswith("places.")}
    unused = [name for name in texts if f'"{name}"' not in text]
    assert texts
    assert not unused
    for entry in texts.values():
        assert set(entry) == set(LANGUAGES)

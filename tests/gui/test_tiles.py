"""The base map: read in its own thread, and a broken file costs one clear notice."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.tile_files import open_tile_file
from fieldsurvey.gui.tile_layer import attribution_text
from fieldsurvey.gui.tile_source import TileSource
from tests.gui.conftest import OpenWindow
from tests.support.gui_fake_drive import FakeDrive, driving


@contextmanager
def _source(path: Path) -> Iterator[TileSource]:
    source = TileSource(path)
    try:
        yield source
    finally:
        source.close()


def _wait(qtbot: QtBot, source: TileSource) -> None:
    def settled() -> bool:
        source.collect()
        return not source.is_busy()

    qtbot.waitUntil(settled, timeout=5_000)


@pytest.mark.realdata
def test_tiles_are_read_by_rows_from_the_north(qtbot: QtBot, shared_data: Path) -> None:
    with _source(shared_data / "tiles" / "kz_osm_raster.mbtiles") as source:
        _wait(qtbot, source)
        assert source.tile_set is not None
        assert (source.tile_set.min_zoom, source.tile_set.max_zoom) == (0, 6)
        assert "OpenStreetMap" in attribution_text(source)
        almaty = (6, int((76.93 + 180) / 360 * 64), 23)
        assert source.tile(almaty) is None  # asked for, not waited for
        _wait(qtbot, source)
        tile = source.tile(almaty)
        assert isinstance(tile, QPixmap)
        assert tile.width() == 256
        far_away = (6, 0, 0)
        source.tile(far_away)
        _wait(qtbot, source)
        assert source.tile(far_away) is None
        assert not source.is_busy()  # a tile that is not in the file is asked for once


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["invalid.mbtiles", "invalid-tile-format.mbtiles"])
def test_a_broken_file_is_one_notice_and_no_base_map(
    open_window: OpenWindow, qtbot: QtBot, shared_data: Path, name: str
) -> None:
    window = open_window(FakeDrive(driving()), basemap=shared_data / "tiles" / name)
    notices = window._notices
    qtbot.waitUntil(lambda: bool(notices.history), timeout=5_000)
    for _ in range(3):
        window.look_at_drive()
    assert len(notices.history) == 1
    assert name in notices.label.text()
    assert "not affected" in notices.label.text()


@pytest.mark.realdata
def test_both_kinds_of_file_hold_the_same_tiles(shared_data: Path) -> None:
    folder = shared_data / "tiles"
    one, other = (open_tile_file(folder / f"kz_osm_raster.{s}") for s in ("mbtiles", "pmtiles"))
    assert one.tile_set == other.tile_set
    keys = [(z, x, y) for z in range(7) for x in range(2**z) for y in range(2**z)]
    tiles = [(one.read(key), other.read(key)) for key in keys]
    assert all(a == b for a, b in tiles)
    assert sum(a is not None for a, _ in tiles) == 75
    one.close()
    other.close()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda whole: whole[:7], "EOF|short|bytes|magic|index"),
        (lambda whole: whole[:500], "short|magic|stream"),
        (lambda whole: whole[:99] + b"\x01" + whole[100:], "vector"),
        (lambda whole: whole[:127] + bytes(len(whole) - 127), "."),
    ],
)
def test_a_damaged_pmtiles_file_is_told(
    qtbot: QtBot,
    shared_data: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    reason: str,
) -> None:
    file = tmp_path / "damaged.pmtiles"
    file.write_bytes(damage((shared_data / "tiles" / "kz_osm_raster.pmtiles").read_bytes()))
    with _source(file) as source:
        _wait(qtbot, source)
        assert source.tile_set is None
        assert source.trouble is not None
        assert re.search(reason, source.trouble.text("en"))


def test_a_missing_file_is_told_like_a_broken_one(qtbot: QtBot, tmp_path: Path) -> None:
    with _source(tmp_path / "no such map.mbtiles") as source:
        _wait(qtbot, source)
        assert source.tile_set is None
        assert source.trouble is not None
        assert "no such map.mbtiles" in source.trouble.text("ru")
        assert list(tmp_path.iterdir()) == []  # and nothing was created in trying

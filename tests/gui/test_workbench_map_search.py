"""Finding a highway, its kilometre or a village, whatever keyboard it is typed on."""

import time
from pathlib import Path

import numpy as np
import pytest

from fieldsurvey.gui.workbench_map.name_folding import fold
from fieldsurvey.gui.workbench_map.place_search import PlaceSearch
from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.report import ImportReport
from fieldsurvey.places.roads import HighwayLine
from fieldsurvey.places.settlements import SettlementTable
from tests.support.gui_features import RealPlaces


def _line(ref: str, latitude: float) -> HighwayLine:
    """Return 50 km eastwards in steps of 10 km, by its own chainage."""
    steps = np.arange(6.0)
    return HighwayLine(
        ref, "test", np.full(6, latitude), 77.0 + steps * 0.12, steps * 10_000.0, 100.0
    )


def _places() -> Places:
    names = [
        # own, English, Russian, Kazakh, population
        ("Qapshaghay", "Kapchagay", "Капшагай", "Қапшағай", 42_000),
        ("Mayqapshaghay", "", "Майкапшагай", "", 900),
        ("Almaty", "Almaty", "Алма-Ата", "Алматы", 1_977_000),
        ("Shchuchinsk", "Shchuchinsk", "Щучинск", "", 45_000),
        ("Alma", "", "Алма", "Алма", -1),
        ("Alga", "", "Алга", "Алға", 20_000),
        ("Jezqazgan", "Zhezkazgan", "Жезказган", "Жезқазған", 86_000),
        ("Tselinnoye", "", "Целинное", "", 100),
        ("Yolka", "", "Ёлка", "", 50),
        ("Novaya Alma", "", "Новая Алма", "", 10),
        ("Taldy", "", "Талды", "", 70),
        ("Taldy", "", "Талды", "", 60),
        ("Jana Auyl", "", "Жана Аул", "", -1),
        ("Jana Auyl", "", "Жана Аул", "", -1),
    ]
    count = len(names)
    own, english, russian, kazakh, people = zip(*names, strict=True)
    table = SettlementTable(
        tuple(str(number) for number in range(count)), own, english, russian, kazakh,
        np.array([*(43.0 + np.arange(count - 4) * 0.1), 48.1, 44.2, 41.0, 50.0]),
        np.array([*np.full(count - 4, 77.0), 77.24, 77.0, 68.0, 60.0]), np.array(people),
        np.full(count, 1_500.0), (None,) * count,
    )  # fmt: skip
    lines = [
        _line("KZ38-01", 45.0),
        _line("A-1", 46.0),
        _line("A-1 (2)", 47.0),
        _line("A-17", 48.0),
    ]
    report = ImportReport.__new__(ImportReport)
    return Places("test", lines, table, report)


@pytest.fixture(scope="module")
def search() -> PlaceSearch:
    return PlaceSearch(_places())


@pytest.mark.parametrize(
    "spellings",
    [
        ("Қапшағай", "капшагай", "КАПШАҒАЙ", "Qapshaghay", "kapshagai", "Qapşağay"),
        ("Алматы", "almaty", "Almatı"),
        ("Щучинск", "Shchuchinsk", "щучинск"),
        ("Жезқазған", "Жезказган", "Zhezqazghan", "jezkazgan"),
        ("Ёлка", "елка"),
        ("Енбек", "Yenbek", "Еңбек"),
        ("Өскемен", "оскемен", "Oskemen", "Öskemen"),
        ("Үлгі", "улги", "Ulgi", "Ұлгі"),
        ("Хромтау", "Khromtau", "Hromtau"),
    ],
)
def test_spellings_of_one_name_fold_alike(spellings: tuple[str, ...]) -> None:
    (folded,) = {fold(spelling) for spelling in spellings}
    assert folded.isascii()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("қапш", "Капшагай"),
        ("kapsh", "Капшагай"),
        ("капчагай", "Капшагай"),  # by its English name
        ("Kapchagay", "Капшагай"),
        ("шагай", "Капшагай"),  # inside a name: the bigger one first
        ("алм", "Алма-Ата"),
        ("алма", "Алма"),  # the whole name before a bigger one that begins so
        ("целин", "Целинное"),
        ("елка", "Ёлка"),
        ("jezk", "Жезказган"),
        ("", None),
        ("!?", None),
        ("йцукен", None),
    ],
)
def test_settlements_by_any_part_of_any_name(
    search: PlaceSearch, typed: str, first: str | None
) -> None:
    found = search.find(typed, "ru")
    assert (found[0].label.split(" (")[0] if found else None) == first


def test_words_in_a_name_come_before_parts_of_words(search: PlaceSearch) -> None:
    labels = [place.label.split(" (")[0] for place in search.find("alma", "en")]
    assert labels == ["Alma", "Almaty", "Novaya Alma"]


def test_a_label_has_the_other_names_behind_it(search: PlaceSearch) -> None:
    assert search.find("almaty", "kk")[0].label == "Алматы (Almaty, Алма-Ата)"


def test_villages_of_one_name_are_told_apart(search: PlaceSearch) -> None:
    labels = [place.label for place in search.find("taldy", "ru")]
    assert labels == ["Талды (Taldy) · A-17, км 20", "Талды (Taldy) · 44,2° с. ш., 77,0° в. д."]


@pytest.mark.parametrize("near", [(42.0, 69.0), (49.0, 61.0)])
def test_of_villages_that_are_alike_the_nearest_comes_first(
    search: PlaceSearch, near: tuple[float, float]
) -> None:
    first, second = search.find("jana", near=near)
    assert abs(first.latitude_deg - near[0]) == 1.0
    assert abs(second.latitude_deg - near[0]) == 8.0


@pytest.mark.parametrize(
    "typed",
    [
        "KZ38-01 km 42",
        "kz38-01 42",
        "кз38-01 км 42",
        "KZ 38-01 42 км",
        "kz3801 42",
        "KZ38-01 42+000",
    ],
)
def test_a_kilometre_of_a_highway(search: PlaceSearch, typed: str) -> None:
    (found,) = search.find(typed)
    assert found.label == "KZ38-01, km 42"
    assert (found.latitude_deg, found.longitude_deg) == pytest.approx((45.0, 77.0 + 4.2 * 0.12))
    south, west, north, east = found.box
    assert south < found.latitude_deg < north
    assert west < found.longitude_deg < east
    assert 5_000 < distance_m(south, west, south, east) < 7_000


def test_a_highway_of_two_lines_gives_both_with_what_is_near(search: PlaceSearch) -> None:
    found = search.find("a-1 12,5", "en")
    assert [place.latitude_deg for place in found] == [46.0, 47.0]
    (first, _), (second, _) = (place.label.split(" · ") for place in found)
    assert (first, second) == ("A-1, km 12.5", "A-1 (2), km 12.5")


def test_a_kilometre_beyond_the_end_gives_the_highway_and_says_so(search: PlaceSearch) -> None:
    (found,) = search.find("KZ38-01 900")
    assert found.label == "KZ38-01 · has no km 900, all of it"
    assert not found.is_spot
    assert found.box[1] == 77.0
    assert found.box[3] == pytest.approx(77.6)


def test_numbers_of_highways_are_completed(search: PlaceSearch) -> None:
    assert [place.label for place in search.find("a1")] == ["A-1", "A-1 (2)"]
    assert [place.label for place in search.find("A-17")] == ["A-17"]
    assert [place.label for place in search.find("kz38")] == ["KZ38-01"]
    assert [place.label for place in search.find("kz38 42")] == []  # which one? not guessed


@pytest.mark.realdata
def test_the_whole_country_is_searched_between_two_keys(shared_data: Path) -> None:
    """12,000 settlements, their names in three languages, at every prefix that is typed."""
    search = PlaceSearch(_whole_country(shared_data / "geography"))
    took_s = []
    for typed in ("Қызылорда", "Ust-Kamenogorsk", "капшагай", "KAZ06 km 120"):
        for end in range(1, len(typed) + 1):
            before = time.thread_time()
            search.find(typed[:end], "kk")
            took_s.append(time.thread_time() - before)
        assert search.find(typed, "kk"), typed
    assert sorted(took_s)[int(len(took_s) * 0.95)] < 0.020


def _whole_country(geography: Path) -> Places:
    real = RealPlaces(geography)
    rows = real.settlements()
    count = len(rows.id)
    table = SettlementTable(
        *(tuple(names) for names in rows[:5]),
        np.array(rows.latitude_deg), np.array(rows.longitude_deg), np.array(rows.population),
        np.full(count, 1_500.0), (None,) * count,
    )  # fmt: skip
    lines = [HighwayLine(*line[:1], "test", *line[1:], 100.0) for line in real.highway_lines()]
    return Places("test", lines, table, ImportReport.__new__(ImportReport))

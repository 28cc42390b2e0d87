"""Every promise of the programme is judged from evidence, or says what lacks."""

import dataclasses
from pathlib import Path

import pytest

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.programme import (
    Kind,
    Programme,
    ProgrammeRow,
    city_name,
    load_programme,
)
from fieldsurvey.analysis.register import cities_by_names
from fieldsurvey.analysis.targets_board import BoardRow, BoardVerdict, board
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES, catalogue
from fieldsurvey.model.radio import AccessType
from fieldsurvey.places.places_file import Places, import_files, open_places
from tests.support.analysis_places import settlement_id, small_country
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, S, measurements, results

FOUR_G = ("4G", "5G-NSA", "5G-SA")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return small_country(tmp_path_factory.mktemp("places"))


def judged(m: Measurements, places: Places | None, **row: object) -> BoardRow:
    asked = ProgrammeRow("one", **row)  # type: ignore[arg-type]
    (found,) = board(m, Programme("7", (asked,), {RULE.target_id: RULE}), places, NOW_UTC_US)
    assert found.target_version == "7"
    return found


def test_the_programme_that_ships_has_every_row_in_words(places: Places) -> None:
    programme = load_programme()
    assert len(programme.rows) == 11
    rows = board(measurements(), programme, places, NOW_UTC_US)
    for row in rows:
        assert row.text.id in catalogue()
        assert row.verdict is BoardVerdict.NOT_ENOUGH
        assert row.value is None
        assert row.missing, row.id
        assert all(note.id in catalogue() for note in row.missing)
    shares = {row.id: row.share for row in programme.rows}
    assert (shares["cities-5g-republican"], shares["cities-5g-oblast"]) == (0.75, 0.6)
    assert sum(len(row.cities) for row in programme.rows) == 20
    assert all(f"analysis.board_{verdict.value}" in catalogue() for verdict in BoardVerdict)
    for row in board(measurements(), programme, None, NOW_UTC_US):
        assert row.missing


def test_every_city_is_told_in_three_languages() -> None:
    cities = [names for row in load_programme().rows for names in row.cities]
    assert all(len(names) >= 3 for names in cities)
    (aktau,) = (city_name(names) for names in cities if "Aktau" in names)
    assert [aktau.text(language) for language in LANGUAGES] == ["Aktau", "Ақтау", "Актау"]
    assert str(city_name(("Atlantis", "Атлантида"))) == "Atlantis", "as a file of one's own has it"


@pytest.mark.realdata
def test_every_city_is_among_the_supplied_settlements(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "kz.places"
    import_files([shared_data / "geography" / "kz_settlements.csv"], path)
    cities = [names for row in load_programme().rows for names in row.cities]
    found = cities_by_names(open_places(path), cities)
    assert None not in found
    assert len(set(found)) == 20


@pytest.mark.parametrize(
    "change",
    [
        ("share = 0.9\n\n", "share = 2\n\n"),
        ('kind = "speed"', 'kind = "weather"'),
        ('target = "national-100"\nmedian', 'target = "x"\nmedian'),
        ("[[programme]]", "[[other]]"),
    ],
)
def test_a_broken_programme_is_a_known_error(tmp_path: Path, change: tuple[str, str]) -> None:
    from fieldsurvey.model.messages import resources_dir

    text = (resources_dir() / "targets" / "kazakhstan-2027.toml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(KnownError) as caught:
        load_programme(path)
    assert str(path) in str(caught.value)


def test_population(places: Places) -> None:
    big, small = (settlement_id(places, name) for name in ("Қордай", "Ақсай"))
    above = results("a" * 8, settlement_id=big)
    row = judged(measurements(above), places, kind=Kind.POPULATION)
    assert row.verdict is BoardVerdict.NOT_ENOUGH
    assert (row.value, row.low, row.high) == (1.0, 0.3, 1.0)
    assert (row.tests, row.settlements) == (8, 1)
    below = results("bbb", settlement_id=small, operator="B")
    row = judged(measurements([*above, *below]), places, kind=Kind.POPULATION)
    assert row.verdict is BoardVerdict.NOT_MET
    assert row.high == 0.9
    better = results("a" * 8, settlement_id=small)
    row = judged(measurements([*above, *below, *better]), places, kind=Kind.POPULATION)
    assert row.verdict is BoardVerdict.NOT_ENOUGH, "one operator is enough"
    assert {note.id for note in row.missing} == {
        "analysis.missing_population",
        "analysis.missing_settlements",
    }


def test_tests_that_are_too_old_are_no_evidence_of_the_population(places: Places) -> None:
    here = settlement_id(places, "Қордай")
    old = results("a" * 8, settlement_id=here, started_utc_us=NOW_UTC_US - 400 * DAY_US)
    row = judged(measurements(old), places, kind=Kind.POPULATION)
    assert (row.tests, row.settlements, row.newest_utc_us) == (0, 0, None)
    other = results("a" * 8, settlement_id=settlement_id(places, "Ақсай"))
    row = judged(measurements([*old, *other]), places, kind=Kind.POPULATION)
    assert (row.tests, row.settlements) == (8, 1)
    assert row.oldest_utc_us == NOW_UTC_US - DAY_US + 8 * 120 * S


def test_speed_is_a_median_and_no_service_ranks_lowest() -> None:
    fast = [{"compared_bps": (100 + n) * 10**6} for n in range(10)]
    row = judged(measurements(fast), None, kind=Kind.SPEED, median_bps=94_000_000)
    assert row.verdict is BoardVerdict.MET
    assert (row.value, row.figures["p10_bps"]) == (104e6, 100e6)
    assert row.low == 101e6
    silent = [*fast, *results("n" * 10)]
    row = judged(measurements(silent), None, kind=Kind.SPEED, median_bps=94_000_000)
    assert row.verdict is BoardVerdict.NOT_ENOUGH
    assert (row.value, row.low) == (None, None)
    assert row.figures["no_service"] == 10
    row = judged(measurements([*fast, *results("n" * 30)]), None, kind=Kind.SPEED, median_bps=94)
    assert row.verdict is BoardVerdict.NOT_MET
    open_ones = judged(measurements([*results("aaan" + "u" * 6)]), None, kind=Kind.SPEED)
    assert open_ones.figures["share_above"] == 0.75, "as that of a place, without undecided"
    assert (
        judged(measurements(results("u" * 9)), None, kind=Kind.SPEED).figures["share_above"] is None
    )
    few = judged(measurements(fast[:4]), None, kind=Kind.SPEED, median_bps=94_000_000)
    assert "analysis.missing_tests" in {note.id for note in few.missing}


def test_access_is_judged_where_it_was_tried(places: Places) -> None:
    fibre = [
        row for n in range(40) for row in results("a", settlement_id=f"v{n}", access_type="fibre")
    ]
    mobile = results("bb", settlement_id="v99")
    asked = {"kind": Kind.ACCESS, "access_type": "fibre", "share": 0.9}
    row = judged(measurements([*fibre, *mobile]), places, **asked)
    assert (row.value, row.settlements, row.tests) == (1.0, 40, 40)
    assert "1" in {str(note.args.get("number")) for note in row.missing}
    assert row.verdict is BoardVerdict.NOT_ENOUGH
    dead = [
        row for n in range(20) for row in results("n", settlement_id=f"w{n}", access_type="fibre")
    ]
    assert judged(measurements([*fibre, *dead]), places, **asked).verdict is BoardVerdict.NOT_MET
    assert judged(measurements(mobile), places, **asked).value is None
    assert row.missing[0].text("ru").endswith("где проверяли такой доступ: оптоволокно")
    for word in AccessType:
        told = judged(measurements(mobile), places, kind=Kind.ACCESS, access_type=word.value)
        said = told.missing[0].text("kk").rpartition(": ")[2]
        assert (said == "unknown") is (word is AccessType.UNKNOWN), said
        assert "[" not in said
    own = judged(measurements(mobile), places, kind=Kind.ACCESS, access_type="wimax")
    assert own.missing[0].text("ru").endswith(": wimax")


def test_4g_in_settlements(places: Places) -> None:
    ids = places.settlements().id
    asked = {
        "kind": Kind.SETTLEMENTS, "technologies": FOUR_G, "share": 0.92,
        "seconds_share": 0.5, "fewest_seconds": 3,
    }  # fmt: skip
    samples = [{"settlement_id": one} for one in ids for _ in range(3)]
    row = judged(measurements(samples=samples), places, **asked)
    assert (row.verdict, row.low, row.settlements) == (BoardVerdict.MET, 1.0, 4)
    dead = {"reachable": False, "technology": None, "settlement_id": ids[0]}
    row = judged(measurements(samples=[*samples, *([dead] * 4)]), places, **asked)
    assert (row.verdict, row.value, row.high) == (BoardVerdict.NOT_MET, 0.75, 0.75)
    row = judged(measurements(samples=samples[1:]), places, **asked)
    assert (row.verdict, row.settlements) == (BoardVerdict.NOT_ENOUGH, 3)
    silent = [{**one, "technology": None} for one in samples]
    assert judged(measurements(samples=silent), places, **asked).value is None
    for off_us in (-400 * DAY_US, DAY_US):
        other = [{**one, "utc_us": NOW_UTC_US + off_us} for one in samples]
        assert judged(measurements(samples=other), places, **asked).value is None


def test_places_that_the_places_file_does_not_know_are_no_part_of_its_whole(
    places: Places,
) -> None:
    """Another version of it, or one of another region: a share came to more than all."""
    elsewhere = [f"elsewhere-{n}" for n in range(9)]
    four_g = {"technologies": FOUR_G, "seconds_share": 0.5, "fewest_seconds": 1}
    m = measurements(samples=[{"settlement_id": one} for one in elsewhere])
    row = judged(m, places, kind=Kind.SETTLEMENTS, share=0.92, **four_g)
    assert (row.verdict, row.value, row.settlements) == (BoardVerdict.NOT_ENOUGH, None, 0)
    assert [note.text() for note in row.missing] == [
        "settlements not decided: 4 of 4",
        "settlements that were measured and are not in the places file, so not counted: 9",
    ]
    below = [row for one in elsewhere for row in results("bbb", settlement_id=one)]
    row = judged(measurements(below), places, kind=Kind.POPULATION)
    assert (row.verdict, row.tests, row.settlements) == (BoardVerdict.NOT_ENOUGH, 0, 0)
    assert row.missing[-1].id == "analysis.missing_strange_settlements"
    beyond = [{"highway_ref": "KAZ99", "chainage_m": km * 1_000.0} for km in range(40)]
    m = measurements(samples=[*beyond, {"chainage_m": 0.0}])
    row = judged(m, places, kind=Kind.HIGHWAYS, km=20, **four_g)
    assert (row.verdict, row.value, row.high) == (BoardVerdict.NOT_ENOUGH, 1.0, 28.0)
    assert "not in the places file, so not counted: 40" in row.missing[-1].text()
    assert judged(m, None, kind=Kind.HIGHWAYS, km=20, **four_g).value == 41.0


def test_5g_in_the_cells_of_cities(places: Places) -> None:
    city = settlement_id(places, "Астана")
    asked = {
        "kind": Kind.CITIES, "technologies": ("5G-SA",), "share": 0.5, "seconds_share": 0.5,
        "fewest_seconds": 1, "cities": (("Astana", "астана"),),
    }  # fmt: skip

    def seconds(words: str) -> Measurements:
        return measurements(
            samples=[
                {
                    "settlement_id": city,
                    "latitude_deg": 42.96 + n * 0.01,
                    "longitude_deg": 79.0,
                    "technology": "5G-SA" if word == "5" else "4G",
                }
                for n, word in enumerate(words)
            ]
        )

    row = judged(seconds("55555555"), places, **asked)
    assert (row.verdict, row.cells, row.figures["cities_met"]) == (BoardVerdict.MET, 8, 1)
    assert not row.missing
    row = judged(seconds("55544444"), places, **asked)
    assert (row.verdict, row.value) == (BoardVerdict.NOT_ENOUGH, 0.375)
    assert judged(seconds("4" * 8), places, **asked).verdict is BoardVerdict.NOT_MET
    nowhere = judged(seconds("5"), places, **(asked | {"cities": (("Atlantis",),)}))
    assert [note.id for note in nowhere.missing] == ["analysis.missing_city"]
    lost = judged(seconds("5"), places, **(asked | {"cities": (("Б", "В", "Vi"),)})).missing[0]
    assert lost.text("ru") == "нет в файле мест: В"


def test_4g_along_highways_kilometre_by_kilometre(places: Places) -> None:
    asked = {
        "kind": Kind.HIGHWAYS, "technologies": FOUR_G, "seconds_share": 0.9, "fewest_seconds": 2,
    }  # fmt: skip
    samples = [
        {"chainage_m": km * 1_000.0 + half * 500, "technology": "3G" if km == 7 else "4G"}
        for km in range(10)
        for half in range(2)
    ]
    m = measurements(samples=[*samples, {"chainage_m": 20_000.0}])
    row = judged(m, places, **asked, km=28)
    assert row.verdict is BoardVerdict.NOT_MET, "28 of 28 cannot be, with one that has none"
    assert (row.value, row.high, row.km) == (9.0, 27.0, 10)
    assert row.figures == {"km_without": 1.0, "km_too_few_seconds": 1.0, "km_not_driven": 17.0}
    assert judged(m, places, **asked, km=27).verdict is BoardVerdict.NOT_ENOUGH
    assert judged(m, places, **asked, km=9).verdict is BoardVerdict.MET
    row = judged(m, places, **asked, km=40_000)
    assert row.verdict is BoardVerdict.NOT_ENOUGH
    assert [note.id for note in row.missing] == ["analysis.missing_highways"]


def test_replayed_drives_change_nothing(places: Places) -> None:
    programme = load_programme()
    here = settlement_id(places, "Қордай")
    tests = results("aaabbb", settlement_id=here)
    samples = [{"chainage_m": n * 30.0} for n in range(200)]
    honest = board(measurements(tests, samples), programme, places, NOW_UTC_US)
    replayed = [{**row, "drive": 1} for row in (*tests, *results("a" * 30, settlement_id=here))]
    more = measurements(
        [*tests, *replayed],
        [*samples, *({"drive": 1, "utc_us": NOW_UTC_US - n * S} for n in range(100))],
        [{}, {"replayed": True}],
    )
    assert board(more, programme, places, NOW_UTC_US) == honest
    assert dataclasses.asdict(honest[0])["tests"] == 6

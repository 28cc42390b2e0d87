"""Maps, strips and charts: well-formed, inside their frames, and readable without colours."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from fieldsurvey.report.axes import round_step, round_top, ticks
from fieldsurvey.report.chart_svg import (
    MOST_MARKS,
    AlongRoad,
    Sorted,
    Spread,
    along_road,
    distribution,
    latencies,
)
from fieldsurvey.report.map_svg import Label, Scene, draw_legend, draw_map
from fieldsurvey.report.strip_svg import Band, draw_strip
from fieldsurvey.report.svg import COLOURS, NO_SERVICE, NOT_DRIVEN, Drawing
from fieldsurvey.report.wording import Wording

EN = Wording("en")
TARGET_BPS = 100e6


def shapes(svg: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    return [item for item in root.iter() if "defs" not in item.tag]


def texts(svg: str) -> list[str]:
    return [item.text or "" for item in shapes(svg) if item.tag.endswith("text")]


def drawn(svg: str, kind: str, **given: str) -> list[ElementTree.Element]:
    """Return the shapes of a kind that have these attributes."""
    wanted = {name.replace("_", "-"): value for name, value in given.items()}
    return [
        item
        for item in shapes(svg)
        if item.tag.endswith("}" + kind) and wanted.items() <= item.attrib.items()
    ]


def at(item: ElementTree.Element, name: str) -> float:
    return float(item.get(name, "nan"))


def numbers(svg: str) -> list[float]:
    """Return all coordinates of lines, in turns of x and y."""
    joined = " ".join(item.get("points", "") for item in shapes(svg))
    return [float(number) for number in re.findall(r"-?[\d.]+", joined)]


def test_every_verdict_has_a_shape_of_its_own_and_a_hatch_of_its_own() -> None:
    marks, boxes = set(), set()
    for word in ("above", "below", "undecided", NO_SERVICE):
        drawing = Drawing(10, 10)
        drawing.mark(word, 5, 5)
        grey = re.sub("#[0-9a-f]{6}", "#", drawing.svg())
        marks.add(grey)
    for word in ("above", "below", "undecided", NOT_DRIVEN):
        drawing = Drawing(10, 10)
        drawing.verdict_box(word, 1, 1, 8, 8)
        boxes.add(re.sub("#[0-9a-f]{6}", "#", drawing.svg()))
    assert len(marks) == len(boxes) == 4


def test_blue_and_vermilion_differ_in_grey_too() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert abs(grey(COLOURS["above"]) - grey(COLOURS["below"])) > 30


def test_names_cannot_break_a_drawing() -> None:
    drawing = Drawing(10, 10)
    drawing.text(1, 1, "A & <B> \"C\" 'D'")
    assert texts(drawing.svg()) == ["A & <B> \"C\" 'D'"]


@pytest.mark.parametrize(
    ("span", "steps", "step"), [(100, 5, 20), (1.0, 5, 0.2), (203.4, 8, 50), (7, 7, 1)]
)
def test_steps_are_round(span: float, steps: int, step: float) -> None:
    assert round_step(span, steps) == pytest.approx(step)


def test_ticks_and_tops() -> None:
    assert ticks(15, 62, 5) == [20, 30, 40, 50, 60]
    assert round_top(463e6) == 500e6
    assert round_top(500e6) == 500e6


def chart(rates: list[float], words: list[str]) -> str:
    where = np.linspace(0, 50_000, len(rates))
    panel = AlongRoad("North", where, np.array(rates), words)
    return along_road([panel], 0, 50_000, TARGET_BPS, 482, EN)


def test_a_test_without_service_is_a_cross_under_the_axis_and_no_rate() -> None:
    svg = chart([150e6, float("nan"), 40e6], ["above", NO_SERVICE, "below"])
    feet = sorted(at(axis, "y1") for axis in drawn(svg, "line", stroke_width="0.6"))
    crosses = drawn(svg, "line", stroke=COLOURS[NO_SERVICE])
    assert len(feet) == len(crosses) == 2
    for cross in crosses:
        assert feet[0] < (at(cross, "y1") + at(cross, "y2")) / 2 < feet[1]
    (circle,) = drawn(svg, "circle", fill=COLOURS["above"])
    assert at(circle, "cy") < feet[0]
    assert "nan" not in svg


def test_the_target_is_on_every_axis_of_rates_even_where_all_is_slower() -> None:
    assert "target 100 Mbps" in texts(chart([5e6] * 6, ["below"] * 6))
    slow = distribution([Sorted("North", np.full(6, 5e6), 2)], TARGET_BPS, 482, EN)
    assert "target 100 Mbps" in texts(slow)
    assert "North: 0\xa0% of 8 tests faster than 100 Mbps" in texts(slow)


def test_a_curve_begins_at_the_share_of_tests_with_service() -> None:
    svg = distribution([Sorted("A", np.array([50e6, 150e6]), 2)], TARGET_BPS, 482, EN)
    (curve,) = [
        i for i in shapes(svg) if i.tag.endswith("polyline") and i.get("stroke-width") == "1.3"
    ]
    heights = [float(pair.split(",")[1]) for pair in (curve.get("points") or "").split()]
    scale = {item.text: at(item, "y") - 2.6 for item in drawn(svg, "text", text_anchor="end")}
    assert heights[0] == pytest.approx((scale["40"] + scale["60"]) / 2, abs=0.1)
    assert heights[-1] == pytest.approx(scale["0"], abs=0.1)
    assert heights == sorted(heights)


def test_more_tests_do_not_make_a_larger_drawing() -> None:
    random = np.random.default_rng(1)

    def size(tests: int) -> int:
        rates = random.lognormal(18, 0.4, tests)
        own = len(chart(rates.tolist(), ["above"] * tests))
        return own + len(distribution([Sorted("A", np.sort(rates), 0)], TARGET_BPS, 482, EN))

    assert size(40 * MOST_MARKS) < 2.5 * size(MOST_MARKS)


def test_latency_says_both_states() -> None:
    spreads = [Spread("North", loaded, 20e3, 30e3, 45e3, 12) for loaded in (False, True)]
    said = texts(latencies(spreads, 482, EN))
    assert {"North, idle (n = 12)", "North, loaded (n = 12)", "30"} <= set(said)


def test_a_strip_has_posts_and_every_stretch() -> None:
    judged = [("above", 0, 10_000), ("below", 10_000, 20_000), (NOT_DRIVEN, 20_000, 23_400)]
    band = Band("North", judged, [(True, 0, 1_000), (False, 1_000, 2_000)])
    svg = draw_strip([band], 0, 23_400, 100_000, 482, EN)
    assert [text for text in texts(svg) if text.isdigit()] == ["0", "10", "20"]
    fills = [item.get("fill") for item in drawn(svg, "rect")]
    assert {COLOURS["above"], "url(#below)", "none"} <= set(fills)
    (dashed,) = drawn(svg, "rect", stroke_dasharray="1.5 1.5")
    assert at(dashed, "width") == pytest.approx(3_400 / 100_000 * (482 - 80), abs=0.1)


def scene(**more: object) -> Scene:
    road = (np.array([43.0, 43.2, 43.1]), np.array([76.0, 76.5, 77.0]))
    return Scene(extent=road, judged=[("below", road)], **more)  # type: ignore[arg-type]


def test_a_map_draws_nothing_outside_its_frame() -> None:
    far = (np.array([10.0, 43.1, 80.0]), np.array([20.0, 76.5, 120.0]))
    svg = draw_map(scene(roads=[far], cells=[("above", far)]), 400, EN)
    root = ElementTree.fromstring(svg)
    height = float((root.get("height") or "").removesuffix("pt"))
    coordinates = numbers(svg)
    assert len(coordinates) > 10
    assert all(-0.01 <= x <= 400.01 for x in coordinates[::2])
    assert all(-0.01 <= y <= height for y in coordinates[1::2])


def test_a_map_has_scale_and_north_and_labels_that_do_not_collide() -> None:
    labels = [Label("Korday", 43.1, 76.5, rank) for rank in range(30)]
    said = texts(draw_map(scene(labels=labels, title="North"), 400, EN))
    assert "N" in said
    assert "North" in said
    assert any(text.endswith(" km") for text in said)
    assert 1 <= said.count("Korday") <= 8


def test_the_scale_bar_is_true() -> None:
    """A road of 20 km along a parallel, and the bar's own words, have the same metres a point."""
    latitude = np.full(2, 43.0)
    east_deg = 20_000 / (111_320 * np.cos(np.radians(43.0)))
    road = (latitude, np.array([76.0, 76.0 + east_deg]))
    svg = draw_map(Scene(extent=road, judged=[("above", road)]), 400, EN)
    line = drawn(svg, "polyline")[0]
    (x0, _), (x1, _) = (map(float, p.split(",")) for p in (line.get("points") or "").split())
    metres = 1_000 * float(next(t for t in texts(svg) if t.endswith(" km")).split()[0])
    bar = drawn(svg, "rect", height="3")[0]
    assert metres / at(bar, "width") == pytest.approx(20_000 / (x1 - x0), rel=0.01)


def test_a_map_of_one_point_is_no_point() -> None:
    spot = (np.array([43.0]), np.array([76.0]))
    svg = draw_map(Scene(extent=spot, marks=[("above", 43.0, 76.0)]), 200, EN)
    assert any(text.endswith((" km", " m")) for text in texts(svg))


def test_the_legend_says_all_verdicts_in_every_language() -> None:
    for language in ("en", "kk", "ru"):
        assert len(texts(draw_legend(482, Wording(language)))) == 4

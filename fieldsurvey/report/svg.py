"""Drawings as text: shapes, letters and the marks of verdicts, in points of a printed page.

What a verdict looks like is said here once for maps, strips and charts: a colour that the
colour-blind can tell apart, a shape, and a hatch that a black-and-white print keeps. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

FONT = "Libertinus Serif"  # it comes with Typst, and has Kazakh letters
INK = "#1a1a1a"
FAINT = "#8c8c8c"
PALE = "#dcdcdc"

NOT_DRIVEN = "not_driven"
NO_SERVICE = "no_service"
COLOURS = {
    "above": "#0072b2",
    "below": "#d55e00",
    "undecided": "#6f6f6f",
    NO_SERVICE: "#000000",
    NOT_DRIVEN: "#8c8c8c",
}
# Of operators (Okabe and Ito), told apart by their dashes as well.
LINE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")
LINE_DASHES = ("", "6 2", "2 2", "8 2 2 2", "1 2", "4 1 1 1")

_TILE = 'patternUnits="userSpaceOnUse"'
_HATCHES = f"""<defs>
<pattern id="below" width="5" height="5" {_TILE} patternTransform="rotate(45)">
<rect width="5" height="5" fill="#fbe3d3"/><rect width="2" height="5" fill="{COLOURS["below"]}"/>
</pattern>
<pattern id="undecided" width="4" height="4" {_TILE}>
<rect width="4" height="4" fill="#f2f2f2"/>
<circle cx="2" cy="2" r="0.7" fill="{COLOURS["undecided"]}"/>
</pattern></defs>"""
_FILLS = {
    "above": COLOURS["above"],
    "below": "url(#below)",
    "undecided": "url(#undecided)",
    NOT_DRIVEN: "none",
}


class Drawing:
    """Collects shapes. Origin top left, y down, units points."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def svg(self) -> str:
        """Return the whole drawing."""
        size = f'width="{_n(self.width)}pt" height="{_n(self.height)}pt"'
        box = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family="{FONT}">'
        return "\n".join((head, _HATCHES, *self._parts, "</svg>"))

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 0.5,
        dash: str = "",
    ) -> None:  # fmt: skip
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self._add("line", {**ends, **_stroke(stroke, width, dash)})

    def path(
        self, points: Iterable[Sequence[float]], stroke: str, width: float, dash: str = "",
        cap: str = "butt",
    ) -> None:  # fmt: skip
        """Draw a line through points (x, y)."""
        joins = {"stroke-linejoin": "round", "stroke-linecap": cap, "fill": "none"}
        self._add("polyline", {"points": _joined(points), **joins, **_stroke(stroke, width, dash)})

    def box(
        self, x: float, y: float, width: float, height: float, fill: str = "none",
        stroke: str = "none", stroke_width: float = 0.5, dash: str = "",
    ) -> None:  # fmt: skip
        given = {"x": x, "y": y, "width": width, "height": height, "fill": fill}
        self._add("rect", {**given, **_stroke(stroke, stroke_width, dash)})

    def verdict_box(self, word: str, x: float, y: float, width: float, height: float) -> None:
        """Draw a stretch in its verdict's colour and hatch."""
        dash = "1.5 1.5" if word == NOT_DRIVEN else ""
        self.box(x, y, width, height, _FILLS[word], COLOURS[word], 0.6, dash)

    def verdict_area(self, word: str, corners: Sequence[Sequence[float]]) -> None:
        """Draw a cell of the map in its verdict's colour and hatch."""
        given = {"points": _joined(corners), "fill": _FILLS[word]}
        self._add("polygon", {**given, **_stroke(COLOURS[word], 0.6, "")})

    def text(
        self, x: float, y: float, text: str, size: float = 8, anchor: str = "start",
        fill: str = INK, bold: bool = False, halo: bool = False, turned: bool = False,
    ) -> None:  # fmt: skip
        """Write at a base line; ``halo`` keeps it readable over lines, ``turned`` reads upwards."""
        given: dict[str, object] = {"x": x, "y": y, "font-size": size, "fill": fill}
        given["text-anchor"] = anchor
        if bold:
            given["font-weight"] = "bold"
        if turned:
            given["transform"] = f"rotate(-90 {_n(x)} {_n(y)})"
        if halo:
            given |= {"paint-order": "stroke", "stroke-linejoin": "round"}
            given |= _stroke("#ffffff", 2.2, "")
        self._add("text", given, text)

    def mark(self, word: str, x: float, y: float, r: float = 3.0) -> None:
        """Draw the shape of a verdict around a point, outlined in white."""
        colour = COLOURS[word]
        outlined = {"fill": colour, **_stroke("#ffffff", 0.5, "")}
        if word == "above":
            self._add("circle", {"cx": x, "cy": y, "r": r * 0.9, **outlined})
        elif word == "below":
            triangle = ((x - r, y - 0.75 * r), (x + r, y - 0.75 * r), (x, y + r))
            self._add("polygon", {"points": _joined(triangle), **outlined})
        elif word == NO_SERVICE:
            for side in (-0.8, 0.8):
                self.line(x - r * 0.8, y - side * r, x + r * 0.8, y + side * r, colour, 1.1)
        else:
            diamond = ((x, y - r), (x + r, y), (x, y + r), (x - r, y))
            hollow = {"fill": "#ffffff", **_stroke(colour, 0.9, "")}
            self._add("polygon", {"points": _joined(diamond), **hollow})

    def _add(self, name: str, given: Mapping[str, object], text: str | None = None) -> None:
        attributes = "".join(f" {key}={quoteattr(_n(value))}" for key, value in given.items())
        end = "/>" if text is None else f">{escape(text)}</{name}>"
        self._parts.append(f"<{name}{attributes}{end}")


def _stroke(colour: str, width: float, dash: str) -> dict[str, object]:
    given: dict[str, object] = {"stroke": colour, "stroke-width": width}
    return given | {"stroke-dasharray": dash} if dash else given


def _joined(points: Iterable[Sequence[float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


_WIDE = frozenset("mwжмфшщыюЖМШЩЫЮW…")
_BOLDER = 1.15


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text will be: enough to keep labels apart, in capitals too."""
    wide = sum(0.26 for letter in text if letter in _WIDE)
    wide += sum(0.66 if letter.isupper() else 0.52 for letter in text)
    return wide * size * (_BOLDER if bold else 1.0)


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return as much of a text as has room, with an ellipsis where it is not all of it."""
    if text_width(text, size, bold=bold) <= width:
        return text
    kept = len(text) - 1
    while kept > 0 and text_width(text[:kept] + "…", size, bold=bold) > width:
        kept -= 1
    return text[:kept].rstrip() + "…"


def _n(value: object) -> str:
    """Return a number in hundredths of a point: finer is not printed."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)

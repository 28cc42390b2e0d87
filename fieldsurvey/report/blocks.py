"""What a report is made of: the one JSON document that the template sets. Data, no looks.

Must not know what anything looks like (``resources/report/report.typ``), nor where a number comes
from. All texts are in the reader's language already.
"""

from datetime import datetime

import msgspec


class Block(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower):
    """A piece of a page."""


class Heading(Block, frozen=True):
    """``page``: begins a page."""

    text: str
    level: int = 1
    page: bool = False


class Paragraph(Block, frozen=True):
    """``note``: small print."""

    text: str
    note: bool = False


class Points(Block, frozen=True):
    """A list; each item stands for itself."""

    items: tuple[str, ...]


class Facts(Block, frozen=True):
    """What is said of the whole, in pairs of name and value."""

    pairs: tuple[tuple[str, str], ...]


class Findings(Block, frozen=True):
    """Sentences to be defended, each with the mark of its verdict."""

    items: tuple[tuple[str, str], ...]


class Figure(Block, frozen=True):
    """A drawing. ``alt`` says in words what it shows, for who cannot see it."""

    svg: str
    alt: str
    caption: str = ""


class Figures(Block, frozen=True):
    """Drawings beside each other or, in one column, under each other."""

    figures: tuple[Figure, ...]
    columns: int


class Column(msgspec.Struct, frozen=True):
    """``width``: share of what is left, 0 for as wide as the text. ``right``: numbers."""

    title: str
    width: float = 0
    right: bool = False


class Row(msgspec.Struct, frozen=True):
    """``mark``: of a verdict, drawn in front; "" for none. ``note``: small print under the row."""

    cells: tuple[str, ...]
    mark: str = ""
    note: str = ""


class Table(Block, frozen=True):
    """``marked``: rows have marks."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    marked: bool = False


class Document(msgspec.Struct, frozen=True):
    """``band``: across every page, "" for none. ``made``: the date that the file tells. The title
    stands over the cover."""

    language: str
    title: str
    subtitle: str
    kind: str
    issuer: str
    footer: str
    figure: str  # "Figure {n}", in the order of words that the language has
    table: str
    band: str
    made: datetime
    cover: tuple[Block, ...]
    body: tuple[Block, ...]

    def as_json(self) -> bytes:
        return msgspec.json.encode(self)

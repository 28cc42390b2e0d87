"""The track points of a GPX file, put together a column at a time.

A point is a line of text; a million are written in a second or two. Rows are never looked at
singly, and no text is ever joined to more than its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.columns import sample_columns
from fieldsurvey.export.gpx_xml import GPX_FIX

if TYPE_CHECKING:
    import polars as pl

# Of the CSV's columns, those that GPX itself has no element for and a map may want to show.
POINT_ELEMENTS = (
    "reachable",
    "no_service_cause",
    "round_trip_ms",
    "speed_kmh",
    "heading_deg",
    "accuracy_m",
    "fix_type",
    "fix_flags",
    "fix_age_s",
    "technology",
    "operator_name",
    "cell_id",
    "rsrp_dbm",
    "sinr_db",
    "highway_ref",
    "chainage_km",
    "settlement_name",
)


def write_points(
    piece: pl.DataFrame, stream: BinaryIO, *, opens_track: bool, with_extensions: bool
) -> None:
    """Write points of one drive, opening a segment where one begins; the last one stays open.

    ``piece`` is one of ``track_pieces``; ``opens_track`` says that no segment is open before it.
    """
    import polars as pl

    between: pl.Expr = pl.when("begins_segment").then(pl.lit("</trkseg>\n<trkseg>\n"))
    if opens_track:
        at_start = pl.int_range(pl.len()) == 0
        between = pl.when(at_start).then(pl.lit("<trkseg>\n")).otherwise(between)
    native, ours = _native_children(), {}
    if with_extensions:
        piece, _words = text.with_words(piece, text.xml_escaped)
        ours = _our_children()
    values = piece.select(between=between.fill_null(""), **_position(), **native, **ours)
    line = _Line()
    line.put(pl.col("between"))
    line.say('<trkpt lat="')
    line.put(pl.col("lat"))
    line.say('" lon="')
    line.put(pl.col("lon"))
    line.say('">')
    for name in native:
        line.put_element(values[name])
    line.say("<extensions>" if ours else "")
    for name in ours:
        line.put_element(values[name])
    line.say("</extensions></trkpt>" if ours else "</trkpt>")
    stream.write(text.lines(values.select(line.joined()), end="\n", quoted=False))


def _native_children() -> dict[str, pl.Expr]:
    """Element name → text, in the order of the GPX schema."""
    import polars as pl

    return {
        "ele": text.decimal(pl.col("altitude_m"), 2).cast(pl.String),
        "time": text.utc_text(pl.col("fix_utc_us")),
        "fix": pl.col("fix_type").replace_strict(GPX_FIX, default=None, return_dtype=pl.String),
        "sat": pl.col("satellites").cast(pl.String),
        "hdop": text.decimal(pl.col("hdop"), 2).cast(pl.String),
    }


def _our_children() -> dict[str, pl.Expr]:
    import polars as pl

    ours = sample_columns()
    return {f"fs:{name}": ours[name].cast(pl.String) for name in POINT_ELEMENTS}


def _position() -> dict[str, pl.Expr]:
    import polars as pl

    # As in gpx_longitude.
    longitude = pl.col("longitude_deg").round(text.DEGREE_PLACES)
    longitude = pl.when(longitude == 180).then(pl.lit(-180.0)).otherwise(longitude)
    return {
        "lat": text.decimal(pl.col("latitude_deg"), text.DEGREE_PLACES).cast(pl.String),
        "lon": text.decimal(longitude, text.DEGREE_PLACES).cast(pl.String),
    }


class _Line:
    """A line of text for each row. Joining is what costs: literals that meet are made one."""

    def __init__(self) -> None:
        self._parts: list[pl.Expr] = []
        self._literal = ""

    def say(self, literal: str) -> None:
        self._literal += literal

    def put(self, value: pl.Expr) -> None:
        """Add a text that no row lacks."""
        import polars as pl

        self._parts += [pl.lit(self._literal), value]
        self._literal = ""

    def put_element(self, values: pl.Series) -> None:
        """Add an element named like ``values``, to the rows that have one."""
        import polars as pl

        name, value = values.name, pl.col(values.name)
        if values.null_count() == 0:
            self.say(f"<{name}>")
            self.put(value)
            self.say(f"</{name}>")
        elif values.null_count() < len(values):
            self.put((pl.lit(f"<{name}>") + value + pl.lit(f"</{name}>")).fill_null(""))

    def joined(self) -> pl.Expr:
        import polars as pl

        return pl.concat_str(*self._parts, pl.lit(self._literal))

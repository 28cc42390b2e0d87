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
    children = _native_children()
    if with_extensions:
        piece, _words = text.with_words(piece, text.xml_escaped)
        children |= _our_children()
    values = piece.select(between=between, **_position(), **children)
    lines = values.select(pl.concat_str(*_point(values), ignore_nulls=True))
    text.write_lines(lines, stream, end="\n", quoted=False)


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


def _point(values: pl.DataFrame) -> list[pl.Expr]:
    """Return what to join to the ``<trkpt>`` of each row, nulls left out."""
    import polars as pl

    parts = [pl.col("between"), pl.lit('<trkpt lat="'), pl.col("lat")]
    parts += [pl.lit('" lon="'), pl.col("lon"), pl.lit('">')]
    in_extensions = False
    for name in values.columns[3:]:
        if name.startswith("fs:") and not in_extensions:
            parts.append(pl.lit("<extensions>"))
            in_extensions = True
        parts += _element(values[name])
    parts.append(pl.lit("</extensions></trkpt>" if in_extensions else "</trkpt>"))
    return parts


def _element(values: pl.Series) -> list[pl.Expr]:
    """Return an element for each value; joined here only where some are missing, which is slow."""
    import polars as pl

    name = values.name
    element = [pl.lit(f"<{name}>"), pl.col(name), pl.lit(f"</{name}>")]
    if values.null_count() == 0:
        return element
    return [] if values.null_count() == len(values) else [pl.concat_str(element)]

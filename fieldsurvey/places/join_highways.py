"""Pieces of highway become connected lines with a chainage and an honest tolerance.

Rule: pieces of one number from one source are joined where exactly two of them meet end to end.
At a fork, and across a gap, each arm stays its own line with its own chainage from 0: a kilometre
counted through a fork would be a guess. Chainage runs the way most of the pieces are drawn. Must
not know which lines run beside each other: ``one_place_per_post`` does.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from fieldsurvey.model.messages import message
from fieldsurvey.places.features import Feature
from fieldsurvey.places.geometry import Floats, chainages_m, metres_per_degree, segment_lengths_m
from fieldsurvey.places.report import Kind, Log
from fieldsurvey.places.roads import HighwayLine

# Half a dual carriageway with its verge, a careless survey and a bad GNSS day, together.
USUAL_TOLERANCE_M = 150.0
# Vertices further apart than this on average leave out bends a driver can feel.
COARSE_SPACING_M = 1_000.0
MAX_COARSE_TOLERANCE_M = 2_000.0
_COARSE_PERCENTILE = 90.0
_DECIMALS = 7  # 1 cm, as OpenStreetMap stores: ends that meet are then equal


def join_highways(features: Iterable[Feature], log: Log) -> list[HighwayLine]:
    """Return lines ordered by number, longest first; what adds nothing is logged."""
    groups: dict[tuple[str, str, float | None], list[Any]] = {}
    seen: set[tuple[str, bytes]] = set()
    for feature in features:
        pieces = _pieces(feature.geometry)
        if not pieces:
            reason = message("places.skip_no_length")
            log.skip(feature.source, Kind.HIGHWAY, feature.label, reason)
            continue
        new = 0
        for ref in feature.refs:
            group = groups.setdefault((feature.source, ref, feature.tolerance_m), [])
            for piece in pieces:
                key = (ref, piece.normalize().wkb)
                if key not in seen:
                    seen.add(key)
                    group.append(piece)
                    new += 1
        if not new:
            reason = message("places.skip_same_line")
            log.skip(feature.source, Kind.HIGHWAY, f"{feature.label}: {feature.refs[0]}", reason)
    lines = [line for key, pieces in groups.items() if pieces for line in _joined(key, pieces)]
    return sorted(lines, key=lambda line: (_natural(line.ref), -line.length_m, line.source))


def _pieces(geometry: Any) -> list[Any]:
    """Return the simple lines of a geometry, rounded and without repeated vertices."""
    import shapely

    pieces = []
    for part in shapely.get_parts(geometry):
        vertices = np.round(shapely.get_coordinates(part), _DECIMALS)
        distinct = np.ones(len(vertices), bool)
        distinct[1:] = (vertices[1:] != vertices[:-1]).any(axis=1)
        if distinct.sum() > 1:
            pieces.append(shapely.LineString(vertices[distinct]))
    return pieces


def _joined(key: tuple[str, str, float | None], pieces: list[Any]) -> list[HighwayLine]:
    """Join pieces end to end (GEOS LineMerger: majority direction, stops at forks)."""
    import shapely

    source, ref, stated_tolerance_m = key
    lines = []
    for part in shapely.get_parts(shapely.line_merge(shapely.MultiLineString(pieces))):
        vertices = shapely.get_coordinates(part)
        longitude, latitude = vertices[:, 0].copy(), vertices[:, 1].copy()
        lines.append(
            HighwayLine(
                ref=ref,
                source=source,
                latitude_deg=latitude,
                longitude_deg=longitude,
                chainage_m=chainages_m(latitude, longitude),
                tolerance_m=stated_tolerance_m or tolerance_m(latitude, longitude),
            )
        )
    return lines


def tolerance_m(latitude_deg: Floats, longitude_deg: Floats) -> float:
    """Return how far from the drawn line the road may honestly be.

    The usual tolerance where the line is drawn finely. A coarse line cuts corners: where it turns
    by an angle θ between segments a and b, the smooth curve through its vertices has the radius
    (a+b)/2θ and leaves the longer chord by a²/8r = a²θ/4(a+b) (sagitta of an arc). The 90th
    percentile of that, rounded up to 100 m and capped, is an estimate of the road's deviation,
    not a bound: what lies further off is reported as no road.
    """
    lengths = segment_lengths_m(latitude_deg, longitude_deg)
    if lengths.mean() <= COARSE_SPACING_M or len(lengths) < 2:
        return USUAL_TOLERANCE_M
    north, east = metres_per_degree((latitude_deg[1:] + latitude_deg[:-1]) / 2)
    bearing = np.arctan2(np.diff(longitude_deg) * east, np.diff(latitude_deg) * north)
    turn = np.abs((np.diff(bearing) + np.pi) % (2 * np.pi) - np.pi)
    longer = np.maximum(lengths[1:], lengths[:-1])
    sagitta = longer**2 * turn / (4 * (lengths[1:] + lengths[:-1]))
    estimate = np.ceil(np.percentile(sagitta, _COARSE_PERCENTILE) / 100.0) * 100.0
    return float(np.clip(estimate, USUAL_TOLERANCE_M, MAX_COARSE_TOLERANCE_M))


def _natural(ref: str) -> tuple[tuple[int, int, str], ...]:
    """Order A2 before A10."""
    parts = re.findall(r"\d+|\D+", ref)
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)

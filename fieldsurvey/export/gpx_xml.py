"""Small pieces of GPX, one at a time: for everything but track points.

Must not let a name break the file: text is cleaned of what XML forbids, then escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from fieldsurvey.export.text import DEGREE_PLACES, cleaned
from fieldsurvey.model.position import FixType

GPX_NAMESPACE = "http://www.topografix.com/GPX/1/1"
OUR_NAMESPACE = "urn:fieldsurvey:gpx:1"

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<gpx version="1.1" creator="FieldSurvey" xmlns="{GPX_NAMESPACE}" xmlns:fs="{OUR_NAMESPACE}"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{GPX_NAMESPACE} {GPX_NAMESPACE}/gpx.xsd">\n'
)

# GPX knows no word for dead reckoning; our extension has the receiver's own.
GPX_FIX = {
    int(FixType.FIX_2D): "2d",
    int(FixType.FIX_3D): "3d",
    int(FixType.DGNSS): "dgps",
    int(FixType.RTK_FLOAT): "dgps",
    int(FixType.RTK_FIXED): "dgps",
}


def gpx_fix(fix_type: object) -> str | None:
    """Return GPX's word for a fix type."""
    return GPX_FIX.get(fix_type) if isinstance(fix_type, int) else None


def gpx_longitude(longitude_deg: float) -> str:
    """Return degrees as text; GPX ends just before 180, which is the meridian of -180."""
    digits = f"{longitude_deg:.{DEGREE_PLACES}f}"
    return f"-{digits}" if float(digits) == 180 else digits


def element(name: str, value: object) -> str:
    """Return ``<name>value</name>``, or nothing for None and for empty text."""
    inner = "" if value is None else escape(cleaned(str(value)), {"\r": "&#13;"})
    return f"<{name}>{inner}</{name}>" if inner else ""


def extensions(values: Mapping[str, object]) -> str:
    """Return ``<extensions>`` with our elements, or nothing where no value is known."""
    inner = "".join(element(f"fs:{name}", value) for name, value in values.items())
    return f"<extensions>{inner}</extensions>" if inner else ""

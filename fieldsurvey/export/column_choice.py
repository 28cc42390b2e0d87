"""Which columns of the seconds somebody wants, in an order of their own.

Whatever is left out, what remains must not say more than was measured: a column that another one
cannot be read without comes with it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from fieldsurvey.export.columns import sample_columns
from fieldsurvey.export.exporter import Exporter
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.model.errors import KnownError

FORMATS_WITH_CHOICE = ("csv", "geojson", "gpkg", "parquet")
_NEAR = 5


def choosable() -> list[str]:
    """Return the columns of the seconds."""
    return list(sample_columns())


def columns_from(text: str) -> tuple[str, ...]:
    """Read "NAME,NAME…". Raises KnownError ``export.unknown_column``, which tells near names."""
    names = [name.strip() for name in text.split(",")]
    known = choosable()
    for name in names:
        if name not in known:
            near = ", ".join(_near(name, known) or known)
            raise KnownError("export.unknown_column", name=name, near=near)
    return tuple(dict.fromkeys(names))


def with_choice(tables: SurveyTables, exporter: Exporter, columns: Sequence[str]) -> SurveyTables:
    """Return ``tables`` asked for ``columns`` of the seconds; for all of them where it is empty.

    Raises KnownError ``export.fixed_columns`` where the format has columns of its own.
    """
    if not columns:
        return tables
    if exporter.name not in FORMATS_WITH_CHOICE:
        known = ", ".join(FORMATS_WITH_CHOICE)
        raise KnownError("export.fixed_columns", format=exporter.name, known=known)
    asked = list(columns)
    if "reachable" in asked:  # "no" without its cause may only be "not asked"
        asked.append("no_service_cause")
    if bool(tables.drives["replayed"].any()):  # a place in a recording is no evidence
        asked.append("replayed")
    return replace(tables, columns=tuple(dict.fromkeys(asked)))


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Return names that are spelt alike, or have a word that begins as one of the name's."""
    alike = difflib.get_close_matches(name.lower(), known, _NEAR)
    words = [word for word in name.lower().split("_") if len(word) > 2]
    within = [one for one in known if any(part.startswith(tuple(words)) for part in one.split("_"))]
    return list(dict.fromkeys([*alike, *within]))[:_NEAR]

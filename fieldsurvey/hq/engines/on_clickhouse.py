"""ClickHouse, as the library chDB in this process, over the same Parquet files."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.hq.engines.engine import Archived, Engine, frame_of, not_installed

if TYPE_CHECKING:
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

_TYPES = {"int64": "Int64", "float64": "Float64", "string": "String", "boolean": "Bool"}
_AS_STANDARD_SQL = "SET join_use_nulls = 1"  # what a join does not find is null, not 0 or ""


class OnClickHouse(Engine):
    """One at a time in a process: chDB can be no more."""

    name = "clickhouse"

    def __init__(self, archived: Archived) -> None:
        try:
            import chdb
        except ImportError as error:
            raise not_installed(self.name, "chdb") from error
        self._links = tempfile.TemporaryDirectory(prefix="fieldsurvey-ask-")
        self._connection = chdb.connect(":memory:")  # type: ignore[no-untyped-call] # has no types
        self._connection.query(_AS_STANDARD_SQL)
        for table in COLUMNS:
            folder = Path(self._links.name) / table
            folder.mkdir()
            self._connection.query(_view(table, folder, archived.paths(table)))

    def close(self) -> None:
        self._connection.close()
        self._links.cleanup()

    def _compiler(self) -> "SQLGlotCompiler":
        from ibis.backends.sql.compilers import ClickHouseCompiler

        class Compiler(ClickHouseCompiler):  # type: ignore[misc] # Ibis has no types
            """Counts as Ibis says that it counts, in int64: the unsigned numbers of ClickHouse
            have no type in common with others."""

            def visit_CountStar(self, op: Any, **parts: Any) -> Any:  # noqa: N802 - Ibis's name
                return self.f.toInt64(super().visit_CountStar(op, **parts))

        return Compiler()

    def _frame(self, sql: str, names: Sequence[str]) -> pl.DataFrame:
        plain = "SETTINGS output_format_json_quote_64bit_integers = 0"
        lines = self._connection.query(f"{sql} {plain}", "JSONCompactEachRow").bytes().splitlines()
        return frame_of([json.loads(line) for line in lines], names)


def _view(table: str, folder: Path, paths: Sequence[Path]) -> str:
    """Return the statement that makes files a table. They are linked into ``folder``, for it takes
    them by a pattern, and their own names may look like one."""
    columns = COLUMNS[table]
    if not paths:
        empty = ", ".join(
            f"CAST(NULL AS Nullable({_TYPES[kind]})) AS {name}" for name, kind in columns.items()
        )
        return f"CREATE VIEW {table} AS SELECT {empty} WHERE 0"
    for number, path in enumerate(paths):
        (folder / f"{number}.parquet").symlink_to(path)
    structure = ", ".join(f"{name} Nullable({_TYPES[kind]})" for name, kind in columns.items())
    return (
        f"CREATE VIEW {table} AS SELECT * FROM file('{folder}/*.parquet', 'Parquet', '{structure}')"
    )

"""DuckDB, in this process, over the Parquet files where they lie: the default.

It needs no extension and may not look for any: it has to work where there is no network.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.hq.engines.engine import Archived, Engine, not_installed

if TYPE_CHECKING:
    import duckdb
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

# What is too big for it goes to a temporary folder. Beside its own memory there is some of the
# process's; see tests/benchmarks/test_engines_bench.py.
MEMORY_MB = 1_000

_TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN"}


class OnDuckDb(Engine):
    name = "duckdb"

    def __init__(self, archived: Archived, memory_mb: int = MEMORY_MB) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise not_installed(self.name, "fieldsurvey[hq]") from error
        self._spill = tempfile.TemporaryDirectory(prefix="fieldsurvey-ask-")
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_mb}MB",
                "temp_directory": self._spill.name,
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        for table in COLUMNS:
            self._connection.execute(_view(self._connection, table, archived.paths(table)))

    def close(self) -> None:
        self._connection.close()
        self._spill.cleanup()

    def _compiler(self) -> "SQLGlotCompiler":
        from ibis.backends.sql.compilers import DuckDBCompiler

        return DuckDBCompiler()

    def _frame(self, sql: str, names: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame(self._connection.sql(sql).to_arrow_table())


def _view(connection: "duckdb.DuckDBPyConnection", table: str, paths: Sequence[Path]) -> str:
    """Return the statement that makes files a table; columns that all are older than are null."""
    source, there = "", set()
    if paths:
        source = f"FROM read_parquet([{', '.join(map(_quoted, paths))}], union_by_name = true)"
        there = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * {source}").fetchall()}
    columns = ", ".join(
        f"CAST({name if name in there else 'NULL'} AS {_TYPES[kind]}) AS {name}"
        for name, kind in COLUMNS[table].items()
    )
    return f"CREATE VIEW {table} AS SELECT {columns} {source or 'WHERE false'}"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"

"""PostgreSQL: it cannot read the archive's files, so it holds a copy in a schema of its own.

Before a question the copy is brought up to the manifest, in one transaction: files that no longer
count go as those come that took their rows, or some rows would count twice.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.hq.engines.engine import Archived, Engine, engine_failed, frame_of, not_installed

if TYPE_CHECKING:
    import psycopg
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

SCHEMA = "fieldsurvey_archive_3"  # counts up with the columns: an older copy is left alone

_TYPES = {
    "int64": "bigint",
    "float64": "double precision",
    "string": 'text COLLATE "C"',  # as the other engines order words
    "boolean": "boolean",
}
_LOADERS_LOCK = 0x46534151  # "FSAQ", of PostgreSQL's advisory locks
_BATCH_ROWS = 100_000
_NULL = r"\N"


class OnPostgreSql(Engine):
    name = "postgresql"

    def __init__(self, archived: Archived, dsn: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise not_installed(self.name, "fieldsurvey[hq]") from error
        try:
            self._connection = psycopg.connect(dsn, autocommit=True)
        except psycopg.Error as error:
            raise engine_failed(self.name, error) from error
        try:
            bring_up_to_date(self._connection, archived)
        except psycopg.Error as error:
            self._connection.close()
            raise engine_failed(self.name, error) from error
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def _compiler(self) -> "SQLGlotCompiler":
        from ibis.backends.sql.compilers import PostgresCompiler

        return PostgresCompiler()

    def _frame(self, sql: str, names: Sequence[str]) -> pl.DataFrame:
        return frame_of(self._connection.execute(sql.encode()).fetchall(), names)


def bring_up_to_date(
    connection: "psycopg.Connection[Any]", archived: Archived
) -> tuple[list[str], list[str]]:
    """Load the files that are new and remove those that are gone; return both, by path.

    Whoever asks meanwhile sees the copy as it was. Raises psycopg.Error, OSError, with nothing
    changed.
    """
    named = {path: table for table in COLUMNS for path in archived.files.get(table, ())}
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOADERS_LOCK})".encode())
        _make_tables(connection)
        known = dict(connection.execute("SELECT path, number FROM file").fetchall())
        gone, new = sorted(known.keys() - named.keys()), sorted(named.keys() - known.keys())
        numbers = [known[path] for path in gone]
        for table in (*COLUMNS, "file"):
            column = "number" if table == "file" else "file"
            connection.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)".encode(), [numbers])
        for path in new:
            _load(connection, named[path], path, archived.folder / path)
    if new or gone:
        for table in COLUMNS:
            connection.execute(f"VACUUM (ANALYZE) {table}".encode())
    return new, gone


def _make_tables(connection: "psycopg.Connection[Any]") -> None:
    """Make what is not there. Each file's rows lie together, which is what BRIN is for."""
    statements = [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"SET search_path TO {SCHEMA}",
        "CREATE TABLE IF NOT EXISTS file"
        " (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path text UNIQUE NOT NULL)",
    ]
    for table, columns in COLUMNS.items():
        words = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())
        statements += [
            f"CREATE TABLE IF NOT EXISTS {table} (file bigint NOT NULL, {words})",
            f"CREATE INDEX IF NOT EXISTS {table}_file ON {table} USING brin (file)",
        ]
    for statement in statements:
        connection.execute(statement.encode())


def _load(connection: "psycopg.Connection[Any]", table: str, path: str, file: Path) -> None:
    row = connection.execute(
        "INSERT INTO file (path) VALUES (%s) RETURNING number", [path]
    ).fetchone()
    if row is None:
        raise LookupError(path)
    names = ", ".join(("file", *COLUMNS[table]))
    copy_in = f"COPY {table} ({names}) FROM STDIN (FORMAT csv, NULL '{_NULL}')"
    with connection.cursor() as cursor, cursor.copy(copy_in.encode()) as copy:
        for rows in _csv(table, file, int(row[0])):
            copy.write(rows)


def _csv(table: str, file: Path, number: int) -> Iterator[str]:
    """Yield a file's rows, a batch at a time; columns that it is older than are null."""
    import pyarrow.parquet as pq

    types = {"int64": pl.Int64, "float64": pl.Float64, "string": pl.String, "boolean": pl.Boolean}
    with pq.ParquetFile(file) as parquet:
        there = set(parquet.schema_arrow.names)
        columns = [
            (pl.col(name) if name in there else pl.lit(None)).cast(types[kind]).alias(name)
            for name, kind in COLUMNS[table].items()
        ]
        wanted = [name for name in COLUMNS[table] if name in there]
        for batch in parquet.iter_batches(_BATCH_ROWS, columns=wanted):
            rows = pl.DataFrame(batch).select(pl.lit(number).alias("file"), *columns)
            yield rows.write_csv(include_header=False, null_value=_NULL, quote_style="non_numeric")

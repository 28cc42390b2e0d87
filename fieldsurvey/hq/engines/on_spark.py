"""Spark over the same Parquet files: a cluster that sees the archive's folder under the same path,
or, without one, the processors of this machine.
"""

import re
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.hq.engines.engine import Archived, Engine, engine_failed, frame_of, not_installed
from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

THIS_MACHINE = "local[*]"

_TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "STRING", "boolean": "BOOLEAN"}
_CONNECT_S = 5.0


class OnSpark(Engine):
    name = "spark"

    def __init__(self, archived: Archived, master: str = THIS_MACHINE) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise not_installed(self.name, "pyspark") from error
        if shutil.which("java") is None:
            raise KnownError("hq.no_java")
        _reach(master)
        try:
            self._session = (
                SparkSession.builder.master(master)
                .appName("fieldsurvey hq ask")
                .config("spark.ui.enabled", "false")
                .config("spark.ui.showConsoleProgress", "false")
                .config("spark.log.level", "ERROR")
                .config("spark.sql.session.timeZone", "UTC")
                .getOrCreate()
            )
            for table, columns in COLUMNS.items():
                schema = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())
                paths = [_literally(path) for path in archived.paths(table)]
                rows = (
                    self._session.read.schema(schema).parquet(*paths)
                    if paths
                    else self._session.createDataFrame([], schema)
                )
                rows.createOrReplaceTempView(table)
        except Exception as error:
            raise engine_failed(self.name, error) from error

    def close(self) -> None:
        self._session.stop()

    def _compiler(self) -> "SQLGlotCompiler":
        from ibis.backends.sql.compilers import PySparkCompiler
        from ibis.backends.sql.compilers.base import SQLGlotCompiler

        class Compiler(PySparkCompiler):  # type: ignore[misc] # Ibis has no types
            """Takes NaN for a number: our tables have none, and asking would load pandas."""

            visit_Field = SQLGlotCompiler.visit_Field  # noqa: N815 - Ibis's name

        return Compiler()

    def _frame(self, sql: str, names: Sequence[str]) -> pl.DataFrame:
        return frame_of(self._session.sql(sql).collect(), names)


def _literally(path: Path) -> str:
    """Return the address of a file, whose name Hadoop would take for a pattern."""
    return "file:" + re.sub(r"([][{}*?\\])", r"\\\1", str(path))


def _reach(master: str) -> None:
    """Ask at a cluster's door: Spark itself would try for a minute. Raises KnownError."""
    where = urlsplit(master)
    if where.scheme != "spark" or where.hostname is None:
        return
    try:
        socket.create_connection((where.hostname, where.port or 7077), _CONNECT_S).close()
    except OSError as error:
        raise engine_failed(OnSpark.name, error) from error

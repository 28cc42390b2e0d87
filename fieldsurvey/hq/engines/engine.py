"""What every engine is: something that opens the archive's files and answers expressions.

An expression becomes SQL by Ibis's compilers alone. Its backends, which would run the SQL as well,
bring pandas and clients that nothing else here needs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    from ibis.backends.sql.compilers.base import SQLGlotCompiler
    from ibis.expr.types import Table


@dataclass(frozen=True, slots=True)
class Archived:
    """The files that count, by table, below ``folder``; a table without files is empty."""

    folder: Path
    files: Mapping[str, Sequence[str]]

    def paths(self, table: str) -> list[Path]:
        return [self.folder.absolute() / path for path in self.files.get(table, ())]


class Engine(ABC):
    """An open engine; use it as ``contextlib.closing`` would have it."""

    name: str

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; answers stay."""

    @abstractmethod
    def _compiler(self) -> "SQLGlotCompiler": ...

    @abstractmethod
    def _frame(self, sql: str, names: Sequence[str]) -> pl.DataFrame:
        """Run a query for columns of such names, of whatever types; raises what the engine's
        driver raises."""

    def answer(self, expression: "Table") -> pl.DataFrame:
        """Return the rows, sorted by their columns from the left, null last.

        Raises KnownError ``hq.engine_failed`` if the engine gives up.
        """
        compiler = self._compiler()
        sql = compiler.to_sqlglot(expression).sql(compiler.dialect)
        schema = expression.schema()
        try:
            frame = self._frame(sql, schema.names)
        except Exception as error:
            raise engine_failed(self.name, error) from error
        # Sums are of wider types than their terms, each engine's own.
        types = {name: _TYPES[str(schema[name])] for name in schema.names}
        return frame.select(pl.col(name).cast(kind) for name, kind in types.items()).sort(
            schema.names, nulls_last=True
        )


_TYPES = {"int64": pl.Int64(), "float64": pl.Float64(), "string": pl.String()}


def frame_of(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> pl.DataFrame:
    """Return rows of a driver that knows no columns."""
    return pl.DataFrame(rows, list(names), orient="row", infer_schema_length=None)


def engine_failed(name: str, error: Exception) -> KnownError:
    """Say that an engine cannot answer, with the first line of why."""
    lines = str(error).strip().splitlines()
    return KnownError("hq.engine_failed", engine=name, reason=lines[0] if lines else repr(error))


def not_installed(name: str, package: str) -> KnownError:
    """Say what to install for an engine."""
    return KnownError("hq.engine_not_installed", engine=name, package=package)

"""What every engine is: something that opens the archive's files and answers expressions.

An expression becomes SQL by Ibis's compilers alone. Its backends, which would run the SQL as well,
bring pandas and clients that nothing else here needs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    from ibis.backends.sql.compilers.base import SQLGlotCompiler
    from ibis.expr.types import Table

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """The files that count, by table, below ``folder``; a table without files is empty."""

    folder: Path
    files: Mapping[str, Sequence[str]]

    def paths(self, table: str) -> list[Path]:
        return [self.folder.absolute() / path for path in self.files.get(table, ())]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of whole numbers, reals and words, sorted by their columns from the left, null last."""

    columns: tuple[str, ...]
    rows: list[Row]


class Engine(ABC):
    """An open engine; use it as ``contextlib.closing`` would have it."""

    name: str

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; answers stay."""

    @abstractmethod
    def _compiler(self) -> "SQLGlotCompiler": ...

    @abstractmethod
    def _rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Run a query; raises what the engine's driver raises."""

    def answer(self, expression: "Table") -> Answer:
        """Raises KnownError ``hq.engine_failed`` if the engine gives up."""
        compiler = self._compiler()
        sql = compiler.to_sqlglot(expression).sql(compiler.dialect)
        try:
            rows = self._rows(sql)
        except Exception as error:
            raise engine_failed(self.name, error) from error
        schema = expression.schema()
        types = [_PYTHON[str(schema[name])] for name in schema.names]
        values = [
            tuple(
                None if value is None else of_type(value)
                for of_type, value in zip(types, row, strict=True)
            )
            for row in rows
        ]
        return Answer(tuple(schema.names), sorted(values, key=_null_last))


# Sums are of wider types than their terms, each engine's own.
_PYTHON: dict[str, type[int] | type[float] | type[str]] = {
    "int64": int,
    "float64": float,
    "string": str,
}


def engine_failed(name: str, error: Exception) -> KnownError:
    """Say that an engine cannot answer, with the first line of why."""
    lines = str(error).strip().splitlines()
    return KnownError("hq.engine_failed", engine=name, reason=lines[0] if lines else repr(error))


def not_installed(name: str, package: str) -> KnownError:
    """Say what to install for an engine."""
    return KnownError("hq.engine_not_installed", engine=name, package=package)


def _null_last(row: Row) -> list[tuple[bool, Any]]:
    return [(value is None, value if value is not None else 0) for value in row]

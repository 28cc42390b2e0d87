"""One archive, one set of questions, four engines, one set of answers."""

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from fieldsurvey.analysis.evidence import Question
from fieldsurvey.analysis.questions import Scope, answer
from fieldsurvey.hq.engines.engine import Archived
from fieldsurvey.hq.engines.on_postgresql import SCHEMA, OnPostgreSql, bring_up_to_date
from fieldsurvey.hq.engines.registry import ENGINES, open_engine
from fieldsurvey.model.errors import KnownError
from tests.support.engine_archive import SmallArchive, seen, small_archive, written
from tests.support.engine_child import ASKED
from tests.support.engine_reference import Key, expected
from tests.support.hq_postgres import fresh_database
from tests.support.spark_cluster import WORKERS, spark_cluster

pytestmark = pytest.mark.xdist_group("engines")  # they share an archive

NOWHERE = "postgresql://hq@127.0.0.1:1/postgres?connect_timeout=5"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> SmallArchive:
    # Each engine takes file names its own way; this one looks like a pattern to all of them.
    return small_archive(tmp_path_factory.mktemp("o'archive {1,2}"))


@pytest.fixture(scope="module")
def right(archive: SmallArchive) -> list[list[Key]]:
    """The answers to what is asked, by plain Python."""
    rows = seen(archive.rows)
    return [expected(question, scope, rows) for question, scope in ASKED]


@pytest.fixture
def dsn(postgres: str | None) -> Iterator[str]:
    """The DSN of an empty database."""
    if postgres is None:
        pytest.skip("PostgreSQL is not installed")
    with fresh_database(postgres, f"t{uuid.uuid4().hex}") as one:
        yield one


def archived(archive: SmallArchive) -> Archived:
    return Archived(archive.folder, archive.named())


def from_child(
    archive: SmallArchive, *arguments: str, environment: Mapping[str, str] | None = None
) -> list[list[Key]]:
    """The answers of an engine in a process of its own."""
    engine, *rest = arguments
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.engine_child", engine, str(archive.folder), *rest],
        input=json.dumps(archive.named()),
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return [[tuple(row) for row in rows] for rows in json.loads(done.stdout)]


def test_duckdb(archive: SmallArchive, right: list[list[Key]]) -> None:
    assert from_child(archive, "duckdb") == right
    assert all(right)


def test_clickhouse(archive: SmallArchive, right: list[list[Key]]) -> None:
    assert from_child(archive, "clickhouse") == right


def test_spark(archive: SmallArchive, right: list[list[Key]]) -> None:
    """On a cluster: both workers have a part in it."""
    with spark_cluster() as cluster:
        if cluster is None:
            pytest.skip("PySpark or Java is not installed")
        answers = from_child(archive, "spark", cluster.master, environment=cluster.environment)
        assert answers == right
        assert cluster.executors() == [1] * WORKERS


def test_postgresql(archive: SmallArchive, right: list[list[Key]], dsn: str) -> None:
    with contextlib.closing(OnPostgreSql(archived(archive), dsn)) as one:
        assert [one.answer(answer(*asked)).rows() for asked in ASKED] == right


def test_postgresql_holds_the_files_that_count_and_each_once(
    archive: SmallArchive, dsn: str
) -> None:
    def rows_of(table: str) -> dict[str, int]:
        query = f"SELECT path, count(*) FROM {table} JOIN file ON number = file GROUP BY path"
        return dict(connection.execute(query.encode()).fetchall())

    first, *rest = archive.named()["samples"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        everything = archived(archive)
        new, gone = bring_up_to_date(connection, everything)
        assert sorted(new) == sorted(
            path
            for paths in archive.named().values()
            for path in paths
            if not path.startswith(("drives", "events", "pieces"))
        )
        assert gone == []
        assert bring_up_to_date(connection, everything) == ([], [])
        counted = {one.path: one.rows for one in archive.files if one.table == "samples"}
        assert rows_of("samples") == counted

        less = Archived(archive.folder, {**archive.named(), "samples": rest})
        assert bring_up_to_date(connection, less) == ([], [first])
        del counted[first]
        assert rows_of("samples") == counted
        assert bring_up_to_date(connection, everything) == ([first], [])


def test_postgresql_takes_all_or_nothing(tmp_path: Path, archive: SmallArchive, dsn: str) -> None:
    (good,) = written(tmp_path, {"tests": archive.rows["tests"][:1]})
    (tmp_path / "zzz.parquet").write_bytes(b"PAR1 no more")
    with psycopg.connect(dsn, autocommit=True) as connection:
        bring_up_to_date(connection, Archived(tmp_path, {"tests": [good.path]}))
        (other,) = written(tmp_path, {"tests": archive.rows["tests"][1:2]})
        with pytest.raises(ValueError, match=r"[Pp]arquet"):
            bring_up_to_date(connection, Archived(tmp_path, {"tests": [other.path, "zzz.parquet"]}))
        found = connection.execute(f"SELECT path FROM {SCHEMA}.file".encode()).fetchall()
        assert found == [(good.path,)]


def test_of_no_files_there_is_nothing_to_say(tmp_path: Path, dsn: str) -> None:
    nothing = Archived(tmp_path, {})
    with contextlib.closing(open_engine("postgresql", nothing, dsn=dsn)) as one:
        assert one.answer(answer(Question.COVERAGE, Scope())).rows() == []
    assert from_child(SmallArchive(tmp_path, [], {}), "clickhouse")[0] == []


@pytest.mark.parametrize("name", ENGINES)
def test_what_is_not_installed_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("duckdb", "psycopg", "pyspark.sql", "chdb"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(KnownError) as error:
        open_engine(name, Archived(tmp_path, {}), dsn=NOWHERE)
    assert error.value.message.id == "hq.engine_not_installed"
    assert "pip install" in str(error.value)


def test_spark_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KnownError) as error:
        open_engine("spark", Archived(tmp_path, {}))
    assert error.value.message.id == "hq.no_java"


@pytest.mark.parametrize(
    ("name", "where"),
    [("spark", {"master": "spark://127.0.0.1:1"}), ("postgresql", {"dsn": NOWHERE})],
)
def test_a_server_that_is_not_there(name: str, where: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(KnownError) as error:
        open_engine(name, Archived(tmp_path, {}), **where)
    assert error.value.message.id == "hq.engine_failed"
    assert "refused" in str(error.value)

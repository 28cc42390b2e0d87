"""The engines there are, by the names that operators type; each loads what it needs."""

from fieldsurvey.hq.engines.engine import Archived, Engine

ENGINES = ("duckdb", "postgresql", "spark", "clickhouse")
DEFAULT = "duckdb"


def open_engine(
    name: str, archived: Archived, *, dsn: str | None = None, master: str | None = None
) -> Engine:
    """Open an engine of ``ENGINES``. ``dsn``: of PostgreSQL. ``master``: of Spark; None is this
    machine.

    Raises KnownError ``hq.engine_not_installed``, ``hq.no_java``, ``hq.engine_failed``.
    """
    if name == "postgresql":
        from fieldsurvey.hq.engines.on_postgresql import OnPostgreSql

        return OnPostgreSql(archived, dsn or "")
    if name == "spark":
        from fieldsurvey.hq.engines.on_spark import THIS_MACHINE, OnSpark

        return OnSpark(archived, master or THIS_MACHINE)
    if name == "clickhouse":
        from fieldsurvey.hq.engines.on_clickhouse import OnClickHouse

        return OnClickHouse(archived)
    from fieldsurvey.hq.engines.on_duckdb import OnDuckDb

    return OnDuckDb(archived)

"""``fieldsurvey hq ask``: a question to the archive, its answer as a table or JSON."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS, RESOLUTIONS, Question
from fieldsurvey.hq.engines.engine import Archived, not_installed
from fieldsurvey.hq.engines.registry import DEFAULT, ENGINES, open_engine
from fieldsurvey.hq.talk import FOLDER

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(name="ask")
@FOLDER
@click.argument("question", type=click.Choice([one.value for one in Question]))
@click.option(
    "--resolution", type=click.Choice([str(one) for one in RESOLUTIONS]), default="7",
    show_default=True, help="Of H3 cells.",
)  # fmt: skip
@click.option("--from", "first_day", type=_DAY, help="First day, in UTC.")
@click.option("--to", "last_day", type=_DAY, help="Last day, in UTC.")
@click.option("--operator", help="Only what was driven for this operator.")
@click.option("--engine", type=click.Choice(ENGINES), default=DEFAULT, show_default=True)
@click.option("--dsn", help="The database, for PostgreSQL.")
@click.option("--master", help="The cluster, for Spark: spark://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True)
def ask(
    folder: Path,
    question: str,
    resolution: str,
    first_day: datetime | None,
    last_day: datetime | None,
    operator: str | None,
    engine: str,
    dsn: str | None,
    master: str | None,
    as_json: bool,
) -> None:
    """Ask the archive in DIR for coverage, speed, days, rates, causes, gaps or extent."""
    if (engine == "postgresql") != (dsn is not None):
        raise click.UsageError("--dsn belongs to --engine postgresql")
    if engine != "spark" and master is not None:
        raise click.UsageError("--master belongs to --engine spark")
    try:
        from fieldsurvey.analysis.questions import Scope, answer
    except ImportError as error:
        raise not_installed(engine, "fieldsurvey[hq]") from error
    end_day = None if last_day is None else last_day + timedelta(days=1)
    scope = Scope(int(resolution), _utc_us(first_day), _utc_us(end_day), operator)
    with contextlib.closing(open_engine(engine, _archived(folder), dsn=dsn, master=master)) as one:
        answered = _readable(one.answer(answer(Question(question), scope)))
    if as_json:
        about = json.dumps({"question": question, "engine": engine})
        click.echo(f'{about[:-1]}, "rows": {answered.write_json()}}}')
    else:
        for line in _table(answered):
            click.echo(line)


def _archived(folder: Path) -> Archived:
    """Return the files that count now, all on this computer; they stay for as long as a question
    takes."""
    from fieldsurvey.hq.home import Home

    home = Home.open(folder)
    shelf = home.archive_shelf()
    with contextlib.closing(home.ledger()) as ledger:
        files = {table: ledger.archive_files(table) for table in COLUMNS}
    for one in itertools.chain.from_iterable(files.values()):
        shelf.fetch(one.path, one.sha256)
    paths = {table: [one.path for one in those] for table, those in files.items()}
    return Archived(shelf.local, paths)


def _utc_us(day: datetime | None) -> int | None:
    return None if day is None else int(day.replace(tzinfo=UTC).timestamp()) * 1_000_000


def _readable(answered: pl.DataFrame) -> pl.DataFrame:
    """Spell cells as H3 does, and days as people do."""
    spelled = {
        "cell": pl.col("cell").map_elements("{:x}".format, pl.String),
        "day_utc_us": pl.from_epoch("day_utc_us", "us").dt.strftime("%Y-%m-%d").alias("day"),
    }
    return answered.select(spelled.get(name, pl.col(name)) for name in answered.columns)


def _table(answered: pl.DataFrame) -> Iterator[str]:
    """Yield lines with columns under each other, numbers to the right."""
    lines = [answered.columns, *answered.iter_rows()]
    words = [["–" if value is None else str(value) for value in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*words, strict=True)]
    to_right = [kind.is_numeric() for kind in answered.dtypes]
    for line in words:
        yield "  ".join(
            word.rjust(width) if right else word.ljust(width)
            for word, width, right in zip(line, widths, to_right, strict=True)
        )

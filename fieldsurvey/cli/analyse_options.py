"""What all questions of ``analyse`` share: what is opened, by which target and as of when it is
judged, and how the answer is printed.

Imports what needs polars only when a question is asked, so that help is quick.
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldsurvey.cli.shell import Shell, default_places_path, print_json, progress_bar
from fieldsurvey.model.messages import Message, message

if TYPE_CHECKING:
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.scope import Scope
    from fieldsurvey.analysis.targets import JudgedBy
    from fieldsurvey.places.places_file import Places

_PATH = click.Path(path_type=Path)
_BY = ("operator", "access_type", "technology", "campaign")
_DAY_US = 86_400_000_000
_SHARED = (
    *("paths", "places_path", "by", "mixed", "operator", "first_day", "last_day"),
    *("target_id", "targets_path", "as_of", "replayed", "as_json"),
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """One question's material, and the way to answer."""

    shell: Shell
    measurements: "Measurements"
    scope: "Scope"
    by: tuple[str, ...]
    target: "JudgedBy"
    targets_path: Path | None
    places: "Places | None"
    now_utc_us: int
    opened: "Measurements"  # with what is dated later
    as_json: bool
    replayed: bool

    def finish(
        self,
        question: str,
        rows: Iterable[Mapping[str, Any]],
        lines: Iterable[Message],
        otherwise: Message = message("analysis.nothing_to_judge"),  # noqa: B008 - frozen
        **about: object,
    ) -> None:
        """Print the answer. Of replayed drives every line and row says that it is no evidence.
        Where there is no line, ``otherwise`` says why."""
        if self.as_json:
            language = self.shell.language
            print_json(
                {
                    "question": question,
                    "evidence": not self.replayed,
                    "target": asdict(self.target) | {"rule": self.target.rule},
                    "places_version": self.places and self.places.version,
                    "as_of_utc_us": self.now_utc_us,
                    "sources": self.measurements.sources,
                    "failed": [note.text(language) for note in self.measurements.failed],
                    "notes": [note.text(language) for note in self.measurements.notes],
                    **about,
                    "rows": [{**row, "evidence": not self.replayed} for row in rows],
                }
            )
            return
        shown = 0
        for shown, line in enumerate(lines, 1):  # noqa: B007 - how many there were
            self.shell.show(message("analysis.no_evidence", line=line) if self.replayed else line)
        if not shown:
            self.shell.say(otherwise)


def analysis_options(question: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all questions, and those of what is kept apart; it is called
    with ``analysis``."""

    by = click.option("--by", multiple=True, type=click.Choice(_BY), help="Keep apart; repeatable.")
    mixed = click.option("--mixed", is_flag=True, help="Do not keep operators apart.")
    return whole_options(by(mixed(question)))


def whole_options(question: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of questions that say themselves what is kept apart: options that
    change nothing are refused. It is called with ``analysis``."""

    @click.argument("paths", nargs=-1, required=True, type=_PATH)
    @click.option("--places", "places_path", type=_PATH, help="Places file.")
    @click.option("--operator", multiple=True, help="Only of this operator; several times.")
    @click.option("--from", "first_day", help="First day, YYYY-MM-DD by Kazakhstan's clock.")
    @click.option("--to", "last_day", help="Last day, YYYY-MM-DD.")
    @click.option("--target", "target_id", help="By which places are judged.")
    @click.option("--targets", "targets_path", type=_PATH, help="Target file.")
    @click.option("--as-of", "as_of", help="The day a year is counted back from; today.")
    @click.option("--replayed", is_flag=True, help="Show replayed drives instead: no evidence.")
    @click.option("--json", "as_json", is_flag=True)
    @functools.wraps(question)
    def asked(**options: Any) -> None:
        shared = {name: options.pop(name) for name in _SHARED if name in options}
        question(_analysis(click.get_current_context().obj, **shared), **options)

    return asked


def _analysis(
    shell: Shell,
    *,
    paths: tuple[Path, ...],
    places_path: Path | None,
    by: tuple[str, ...] = (),
    mixed: bool = False,
    operator: tuple[str, ...],
    first_day: str | None,
    last_day: str | None,
    target_id: str | None,
    targets_path: Path | None,
    as_of: str | None,
    replayed: bool,
    as_json: bool,
) -> Analysis:
    """Open what was named. Raises KnownError as what it asks does."""
    from fieldsurvey.analysis.as_of import replayed_until, until
    from fieldsurvey.analysis.scope import Scope, training
    from fieldsurvey.analysis.targets import NATIONAL, judged_by

    if mixed and "operator" in by:
        raise click.BadParameter("keeps operators apart, --mixed does not", param_hint="--by")
    scope = Scope(
        operator=set(operator) or None,
        first_utc_us=None if first_day is None else _day_utc_us(first_day, "--from"),
        end_utc_us=None if last_day is None else _day_utc_us(last_day, "--to") + _DAY_US,
    )
    now_utc_us = time.time_ns() // 1000
    if as_of is not None:
        now_utc_us = _day_utc_us(as_of, "--as-of") + _DAY_US - 1
    target = judged_by(target_id or NATIONAL, targets_path)
    places = _places(places_path)
    opened = _opened(shell, paths, places)
    scope.check(opened)
    if replayed and as_of is None:
        now_utc_us = replayed_until(opened, now_utc_us)
    measurements = until(training(opened) if replayed else opened, now_utc_us)
    for note in (*measurements.failed, *measurements.notes):
        shell.say(note)
    if replayed:
        shell.tell("analysis.replayed")
    by = by or (() if mixed else ("operator",))
    return Analysis(
        *(shell, measurements, scope, by, target, targets_path, places, now_utc_us, opened),
        *(as_json, replayed),
    )


def scope_of(text: str, option: str) -> "Scope":
    """Return the scope that "operator=A,from=2026-05-01" asks for."""
    from fieldsurvey.analysis.scope import Scope

    words: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or name not in (*_BY, "from", "to"):
            known = ", ".join(f"{word}=" for word in (*_BY, "from", "to"))
            raise click.BadParameter(f"expected {known}", param_hint=option)
        if name == "from":
            words["first_utc_us"] = _day_utc_us(value, option)
        elif name == "to":
            words["end_utc_us"] = _day_utc_us(value, option) + _DAY_US
        else:
            words[name] = {*words.get(name, set()), value.strip()}
    return Scope(**words)


def period_of(day: str, option: str) -> "Scope":
    """Return the scope of one day."""
    from fieldsurvey.analysis.scope import Scope

    first_utc_us = _day_utc_us(day, option)
    return Scope(first_utc_us=first_utc_us, end_utc_us=first_utc_us + _DAY_US)


def _opened(shell: Shell, paths: tuple[Path, ...], places: "Places | None") -> "Measurements":
    from fieldsurvey.export.opening import open_measurements

    with progress_bar(", ".join(path.name for path in paths)) as tell:
        return open_measurements(paths, places=places, progress=tell)


def _places(path: Path | None) -> "Places | None":
    """Return the places file that is named, or the usual one if it is there."""
    from fieldsurvey.places.places_file import open_places

    if path is None and not default_places_path().exists():
        return None
    return open_places(path or default_places_path())


def _day_utc_us(day: str, option: str) -> int:
    """Return when a day begins by Kazakhstan's clock."""
    from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H

    try:
        midnight = datetime.strptime(day.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise click.BadParameter("expected YYYY-MM-DD", param_hint=option) from error
    moment = midnight - timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H)
    return int(moment.timestamp()) * 1_000_000

"""What every command shares: the language, the way to say something, the way to fail.

Results are one thing on stdout (with ``--json`` one document), talk is lines on stderr. Exit code
0: done, 1: a known error, 2: wrong usage.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import platformdirs

from fieldsurvey.drive.control_protocol import DriveControlProtocol
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message, preferred_language


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """What a command asks of the window it does not know."""

    control: DriveControlProtocol
    places_path: Path | None
    basemap_path: Path | None
    language: str
    target_mbps: float
    close_at_end: bool


@dataclass(frozen=True, slots=True)
class WorkbenchRequest:
    """The same for the supervisor's window, over surveys and archives."""

    paths: tuple[Path, ...]
    places_path: Path
    basemap_path: Path | None
    language: str
    settings_path: Path
    notes_path: Path


@dataclass(frozen=True, slots=True)
class Shell:
    """Handed in by the composition root as ``ctx.obj``."""

    run_window: Callable[[WindowRequest | WorkbenchRequest], int]
    window_possible: Callable[[], bool]
    qt_advice: Callable[[], str | None]
    language: str = field(default_factory=lambda: preferred_language(os.environ))

    def say(self, text: Message) -> None:
        """Talk to the person, on stderr."""
        click.echo(text.text(self.language), err=True)

    def tell(self, id: str, /, **args: object) -> None:  # noqa: A002 - it is the id
        """Talk by message id."""
        self.say(message(id, **args))

    def show(self, text: Message) -> None:
        """Print a result in words, on stdout."""
        click.echo(text.text(self.language))


def print_json(document: object) -> None:
    """Print the one JSON document of a command."""
    click.echo(json.dumps(document, ensure_ascii=False, default=str))


class KnownErrorGroup(click.Group):
    """Shows a KnownError as its message and exits with 1; anything else is a bug and says so."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KnownError as error:
            shell = ctx.obj
            language = shell.language if isinstance(shell, Shell) else "en"
            click.echo(error.message.text(language), err=True)
            ctx.exit(1)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """A bar on stderr while the block lasts; yields what to tell the part done to, 0 to 1."""
    steps = 1000
    with click.progressbar(length=steps, label=label, file=sys.stderr) as bar:
        yield lambda part: bar.update(max(0, int(part * steps) - bar.pos))


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM (a timer's limit, a log-out) end the block as Ctrl+C does: half-written files are
    taken away, and a survey is left as it was. In the main thread alone."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def data_dir() -> Path:
    """Where surveys and places live when nobody says otherwise."""
    return Path(platformdirs.user_data_path("fieldsurvey", appauthor=False))


def surveys_dir() -> Path:
    """Where a drive puts its survey when nobody says otherwise."""
    return data_dir() / "surveys"


def config_dir() -> Path:
    """Where ``plan.toml`` is looked for."""
    return Path(platformdirs.user_config_path("fieldsurvey", appauthor=False))


def default_profile_path() -> Path:
    """Return the folder of who this laptop is at its headquarters."""
    return data_dir() / "hq"


def default_places_path() -> Path:
    """The places file that commands use unless told otherwise."""
    return data_dir() / "kazakhstan.places"

"""What HQ's commands need of the shell that runs them, and of the folder they are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.messages import Message

if TYPE_CHECKING:
    from fieldsurvey.hq.station import Station

FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


class Talk(Protocol):
    """The shell that runs a command, as far as HQ knows it."""

    def say(self, text: Message) -> None: ...
    def tell(self, id: str, /, **args: object) -> None: ...  # noqa: A002 - it is the id
    def show(self, text: Message) -> None: ...


@contextmanager
def the_station(folder: Path, max_batch_bytes: int | None = None) -> Iterator["Station"]:
    """Open the HQ in ``folder`` while the block lasts."""
    from fieldsurvey.hq.home import Home
    from fieldsurvey.hq.station import open_station

    with open_station(Home.open(folder), SystemClock(), max_batch_bytes) as station:
        yield station

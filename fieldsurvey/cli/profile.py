"""Which profile a command works for, and with it whose keys open encrypted survey files."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from fieldsurvey.cli.shell import default_profile_path
from fieldsurvey.store import file_key

if TYPE_CHECKING:
    from fieldsurvey.sync.file_keys import LaptopKeys

F = TypeVar("F", bound=Callable[..., object])

VARIABLE = "FIELDSURVEY_PROFILE"


def profile_option(command: F) -> F:
    """Add ``--profile``, given as ``profile_path``; its keys are those that the command uses."""
    option = click.option(
        "--profile",
        "profile_path",
        type=click.Path(path_type=Path),
        envvar=VARIABLE,
        callback=_with_its_keys,
        help="Folder with this laptop's key and its headquarters.",
    )
    return option(command)


def use_default_keys(ctx: click.Context) -> None:
    """Use the keys of the profile that is meant where nobody says otherwise."""
    named = os.environ.get(VARIABLE)
    ctx.with_resource(file_key.asking(_ProfileKeys(Path(named) if named else None)))


def _with_its_keys(
    ctx: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    ctx.with_resource(file_key.asking(_ProfileKeys(path)))
    return path


class _ProfileKeys:
    """Looks into the profile only when a key is asked for."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._keys: LaptopKeys | None = None

    def for_new_file(self) -> bytes | None:
        return self._of_profile().for_new_file()

    def known(self) -> Sequence[bytes]:
        return self._of_profile().known()

    def _of_profile(self) -> "LaptopKeys":
        if self._keys is None:
            from fieldsurvey.sync.file_keys import LaptopKeys
            from fieldsurvey.sync.profile import Profile

            self._keys = LaptopKeys(Profile(self._path or default_profile_path()))
        return self._keys

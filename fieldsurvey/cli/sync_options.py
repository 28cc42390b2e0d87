"""What the commands of ``sync`` share: whose laptop it is, and how to answer."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import default_profile_path
from fieldsurvey.sync.profile import Profile

PATH = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True)


def profile_at(path: Path | None) -> Profile:
    """Return the profile that was named, or this user's."""
    return Profile(default_profile_path() if path is None else path)

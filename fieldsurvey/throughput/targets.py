"""Reads the targets that tests are judged by. They are data: no rate is a constant in code."""

import tomllib
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.model.verdict import RateLayer, Target


def load_targets(path: Path | None = None) -> dict[str, Target]:
    """Return targets by id from a file, or from all that ship with the product.

    Raises KnownError ``throughput.bad_targets`` if a file is missing or cannot be understood.
    """
    paths = [path] if path is not None else sorted((resources_dir() / "targets").glob("*.toml"))
    targets: dict[str, Target] = {}
    for file in paths:
        targets.update(_read(file))
    return targets


def _read(path: Path) -> dict[str, Target]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        version = str(content["version"])
        return {
            name: Target(name, version, _rate_bps(entry), RateLayer(entry["layer"]))
            for name, entry in content["targets"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise KnownError("throughput.bad_targets", path=path, reason=reason) from error


def _rate_bps(entry: dict[str, object]) -> int:
    rate_bps = entry["rate_bps"]
    if not isinstance(rate_bps, int) or rate_bps <= 0:
        raise ValueError("rate_bps must be a positive whole number")
    return rate_bps

"""By which target and which rule places are judged: data from the target files, never constants.

How one test is judged is :mod:`fieldsurvey.throughput.judge`'s. Must not judge anything.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.model.verdict import RateLayer

NATIONAL = "national-100"
SEQUENTIAL = "bernoulli-sprt/1"


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """A target, and the sequential test of a place's share of tests above it.

    A place where at most ``share_low`` of tests are above is called "above" with probability
    ``error_above`` at most; one where at least ``share_high`` are, "below" with ``error_below`` at
    most. Between the two shares any verdict may come, or none.
    """

    target_id: str
    target_version: str
    rate_bps: int
    layer: RateLayer
    share_low: float
    share_high: float
    error_above: float
    error_below: float

    @property
    def rule(self) -> str:
        """Return name, version and parameters: what a verdict has to be made again by."""
        shares = f"{self.share_low:g},{self.share_high:g}"
        return f"{SEQUENTIAL}({shares},{self.error_above:g},{self.error_below:g})"

    @property
    def error_percent(self) -> float:
        """Return the larger of the two errors."""
        return 100 * max(self.error_above, self.error_below)


def load_judged_by(path: Path | None = None) -> dict[str, JudgedBy]:
    """Return by target id how places are judged, from a target file or from all that ship.

    Targets without a table ``place`` are for single tests only. Raises KnownError
    ``analysis.bad_targets``.
    """
    paths = [path] if path is not None else sorted((resources_dir() / "targets").glob("*.toml"))
    found: dict[str, JudgedBy] = {}
    for file in paths:
        content = target_file(file)
        try:
            version = str(content["version"])
            for target_id, entry in content["targets"].items():
                if "place" in entry:
                    found[target_id] = _judged_by(target_id, version, entry)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise bad_targets(file, error) from error
    return found


def judged_by(target_id: str = NATIONAL, path: Path | None = None) -> JudgedBy:
    """Return the rule of one target. Raises KnownError ``analysis.no_target``, and as
    :func:`load_judged_by`."""
    known = load_judged_by(path)
    if target_id not in known:
        raise KnownError("analysis.no_target", target=target_id, known=", ".join(sorted(known)))
    return known[target_id]


def target_file(path: Path) -> dict[str, Any]:
    """Return the content of a target file. Raises KnownError ``analysis.bad_targets``."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise bad_targets(path, error) from error


def bad_targets(path: Path, error: Exception) -> KnownError:
    """Return what to raise for a target file that cannot be understood."""
    reason = f"{type(error).__name__}: {error}"
    return KnownError("analysis.bad_targets", path=path, reason=reason)


def _judged_by(target_id: str, version: str, entry: dict[str, Any]) -> JudgedBy:
    place = entry["place"]
    rule = JudgedBy(
        target_id,
        version,
        int(entry["rate_bps"]),
        RateLayer(entry["layer"]),
        float(place["share_low"]),
        float(place["share_high"]),
        float(place["error_above"]),
        float(place["error_below"]),
    )
    if not 0 < rule.share_low < rule.share_high < 1:
        raise ValueError("0 < share_low < share_high < 1")
    if not (0 < rule.error_above < 0.5 and 0 < rule.error_below < 0.5):
        raise ValueError("errors lie between 0 and 0.5")
    return rule

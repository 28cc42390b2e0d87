"""Other people's public measurement servers: only by explicit choice, and seldom.

A survey makes hundreds of tests a day, and its modems share their addresses with thousands of
people: what it asks of a public server, it takes from them. Must therefore refuse by default.
"""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause, Measurement, MeasurementPlan, Outcome
from fieldsurvey.throughput.protocols.ending import Ending

# Owner, and the ends of the names of its servers.
_OWNERS = {
    "M-Lab": ("measurement-lab.org", "measurementlab.net"),
    "Ookla": ("speedtest.net", "ooklaserver.net", "ookla.com"),
    "Cloudflare": ("speed.cloudflare.com",),
    "LibreSpeed": ("librespeed.org",),
    "Netflix": ("fast.com", "nflxvideo.net"),
    "iperf.fr": ("iperf.fr", "iperf.he.net"),
}
# What M-Lab asks of clients that nobody watches (ndt7 protocol specification, "Requirements for
# non-interactive clients"): waits of an exponential distribution, kept between two bounds. The
# other owners publish no number; they get the same.
MEAN_WAIT_S = 6 * 3600
LEAST_WAIT_S = 36 * 60
MOST_WAIT_S = 15 * 3600


def owner_of(url: str) -> str | None:
    """Return who runs the public server that ``url`` names; None if it is nobody known."""
    host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").rstrip(".")
    for owner, names in _OWNERS.items():
        if any(host == name or host.endswith("." + name) for name in names):
            return owner
    return None


def refuse_public(url: str, allowed: bool) -> None:
    """Raise KnownError ``throughput.public_server`` for a public server nobody has chosen."""
    owner = owner_of(url)
    if owner is not None and not allowed:
        raise KnownError("throughput.public_server", url=url, owner=owner)


def skipped_if_public(plan: MeasurementPlan) -> Measurement | None:
    """Return the result of a test not even tried, where the plan names a public server that nobody
    has chosen; None where it may go on. The last guard: shells refuse earlier, and in words."""
    try:
        refuse_public(plan.server_url, plan.public_server)
    except KnownError as refusal:
        return Ending(Outcome.SKIPPED, Cause.ENGINE, refusal.message.text()).measurement(plan)
    return None


class PublicUse:
    """When public servers may be asked again, kept in a small file across runs.

    ``now_s`` is seconds UTC; ``seed`` holds the waits still in tests.
    """

    def __init__(
        self, path: Path, now_s: Callable[[], float] = time.time, seed: int | None = None
    ) -> None:
        self._path = path
        self._now_s = now_s
        self._random = random.Random(seed)

    def take(self, url: str) -> None:
        """Note that ``url`` is used now; does nothing for a server that is not public.

        Raises KnownError ``throughput.public_too_soon`` if its owner has been asked lately, and
        ``throughput.public_not_noted`` if the use cannot be noted: then it must not happen.
        """
        owner = owner_of(url)
        if owner is None:
            return
        not_before_s = self._read()
        left_s = not_before_s.get(owner, 0.0) - self._now_s()
        if 0 < left_s <= MOST_WAIT_S:  # beyond that a clock was set wrong
            minutes = -int(-left_s // 60)
            raise KnownError("throughput.public_too_soon", owner=owner, minutes=minutes)
        not_before_s[owner] = self._now_s() + self._wait_s()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(not_before_s), encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            raise KnownError(
                "throughput.public_not_noted", path=self._path, reason=error.strerror or error
            ) from error

    def _wait_s(self) -> float:
        return min(max(self._random.expovariate(1 / MEAN_WAIT_S), LEAST_WAIT_S), MOST_WAIT_S)

    def _read(self) -> dict[str, float]:
        """Return the times by owner; a file that cannot be read counts as a use just now."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(owner): float(seconds) for owner, seconds in told.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, TypeError, AttributeError):
            return dict.fromkeys(_OWNERS, self._now_s() + LEAST_WAIT_S)

"""Radio sources by URI. Only ``none:`` so far: the link is then unknown, which is not "none"."""

from typing import Protocol

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.radio import RadioState


class RadioSource(Protocol):
    uri: str

    def latest(self) -> RadioState | None:
        """Return the newest reading, or None where nothing is known."""
        ...


class NoRadio:
    """No modem is asked."""

    uri = "none:"

    def latest(self) -> RadioState | None:
        return None


def open_radio(uri: str) -> RadioSource:
    """Return the source that ``uri`` names; KnownError ``radio.unknown`` for any other."""
    if uri in ("", "none:"):
        return NoRadio()
    raise KnownError("radio.unknown", uri=uri)

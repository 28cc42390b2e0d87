"""Is the modem of a planned link there? A test over one that is not would accuse its operator."""

import socket

from fieldsurvey.model.drive import PlannedLink
from fieldsurvey.model.messages import Message, message
from fieldsurvey.throughput.causes import detail_of
from fieldsurvey.throughput.interface import bind_to_interface, is_address


class Modem:
    """Remembers whether the modem of ``link`` was ever there."""

    def __init__(self, link: PlannedLink) -> None:
        self._link = link
        self._was_there = False

    def absent(self) -> str | None:
        """Return the system's words if the modem is not there, so that a test says nothing.

        A source address that worked before is still tried: modems lose theirs together with the
        network, and that is a result.
        """
        trouble = link_trouble(self._link)
        if trouble is None:
            self._was_there = True
        elif self._was_there and is_address(self._link.interface):
            return None
        return trouble


def link_trouble(link: PlannedLink) -> str | None:
    """Return why nothing can be sent through ``link``'s interface, in the system's words."""
    if not link.interface:
        return None
    family = socket.AF_INET6 if ":" in link.interface else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            bind_to_interface(sock, link.interface)
        except OSError as error:
            return detail_of(error)
    return None


def missing_message(link: PlannedLink, reason: str) -> Message:
    """Say that the modem of ``link`` is not there."""
    return message("drive.link_missing", link=link.name, interface=link.interface, reason=reason)

"""What lies between a cable and a fix: bytes that arrived, a link they arrive by, a decoder.

Links know nothing of what the bytes mean; decoders know nothing of where they came from.
"""

from typing import NamedTuple, Protocol, TypeAlias

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.messages import Message
from fieldsurvey.model.position import Fix


class Moment(NamedTuple):
    """The drive's two clocks, read together."""

    utc_us: int
    mono_us: int


def moment(clock: Clock) -> Moment:
    """Return the present moment."""
    return Moment(clock.utc_us(), clock.mono_us())


class Arrival(NamedTuple):
    """Bytes, and when they came out of the port or socket."""

    data: bytes
    at: Moment


Statement: TypeAlias = Fix | None
"""What a receiver says about one moment: a fix, without flags, or None for "I have no position"."""


class Decoder(Protocol):
    """Turns bytes into statements; never raises, whatever it is fed."""

    @property
    def understood(self) -> int:
        """How many intact sentences or reports there have been."""
        ...

    @property
    def quiet_s(self) -> float | None:
        """After how much silence to call :meth:`flush`; None while nothing is held back."""
        ...

    @property
    def receiver_gone(self) -> bool:
        """The stream says that the receiver behind it has been unplugged."""
        ...

    def feed(self, arrival: Arrival) -> list[Statement]:
        """Take more bytes; return what is complete."""
        ...

    def flush(self) -> list[Statement]:
        """Return what was held back: nothing more is expected for that moment."""
        ...


class LinkError(Exception):
    """A link cannot be opened or is gone. ``message`` says so to the user."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.id)


class Link(Protocol):
    """One way bytes arrive. May be opened again after it was closed."""

    async def open(self) -> None:
        """Connect, or raise LinkError."""
        ...

    async def read(self) -> Arrival:
        """Wait for bytes; LinkError when the other end is gone. Cancelling loses no bytes."""
        ...

    def close(self) -> None:
        """Let go of ports, sockets and threads now. Harmless when nothing is open."""
        ...

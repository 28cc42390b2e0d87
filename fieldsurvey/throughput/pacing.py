"""How fast one connection may send, and with which congestion control.

Must not catch up: what a slow link did not take is not sent faster than the pace later on.
"""

import socket
import sys
import time
from contextlib import suppress

PREFERRED_CONGESTION_CONTROL = "bbr"  # where the system allows it
_SO_MAX_PACING_RATE = 47  # Linux; Python does not name it
_LARGEST_INT = 0x7FFFFFFF  # what setsockopt takes: 17 Gbit/s
_BURST_S = 0.01  # so late the event loop may be without losing rate
_PIECE_S = 0.005
_SMALLEST_PIECE_BYTES = 4096
# What waits in the kernel. Little, so that reports and the end are not late; but the kernel asks
# for more only when half is gone, and a busy machine may take 20 ms to answer.
_UNSENT_S = 0.04
_UNSENT_BYTES = (128 * 1024, 1024 * 1024)
_UNSENT_UNPACED_BYTES = 512 * 1024


class Pacing:
    """``rate_bps`` 0 is no bound. Paced by the kernel where it can, else by a token bucket here."""

    def __init__(self, rate_bps: int = 0) -> None:
        self._rate_bps = rate_bps  # 0 again once the kernel paces
        self._due_s = 0.0

    def apply(self, sock: socket.socket) -> None:
        """Begin now, on ``sock``."""
        with suppress(OSError, AttributeError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self._unsent_bytes())
        if self._rate_bps and _paced_by_kernel(sock, self._rate_bps):
            self._rate_bps = 0
        self._due_s = time.monotonic()

    def _unsent_bytes(self) -> int:
        if not self._rate_bps:
            return _UNSENT_UNPACED_BYTES
        least, most = _UNSENT_BYTES
        return min(max(int(self._rate_bps / 8 * _UNSENT_S), least), most)

    def piece_bytes(self, most_bytes: int) -> int:
        """Return how much to send at once: little where nobody smooths it out behind us."""
        if not self._rate_bps:
            return most_bytes
        smooth = max(int(self._rate_bps / 8 * _PIECE_S), _SMALLEST_PIECE_BYTES)
        return min(smooth, most_bytes)

    def sent(self, nbytes: int) -> None:
        """Charge a piece that was just sent."""
        if self._rate_bps:
            earliest_s = time.monotonic() - _BURST_S
            self._due_s = max(self._due_s, earliest_s) + nbytes * 8 / self._rate_bps

    def wait_s(self) -> float:
        """Return how long the next piece has to wait; 0 where the kernel paces."""
        return max(self._due_s - time.monotonic(), 0.0) if self._rate_bps else 0.0


def choose_congestion_control(sock: socket.socket, wanted: str = "") -> str | None:
    """Use ``wanted`` if the system has it; return what is in use, where the system tells.

    Without a wish it is BBR: half a percent of chance losses, as radio links have them, keep CUBIC
    at a fraction of what the link carries, and that fraction would be taken for the link.
    """
    with suppress(OSError, AttributeError):
        name = (wanted or PREFERRED_CONGESTION_CONTROL).encode("ascii")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
    with suppress(OSError, AttributeError):
        used: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        return used.rstrip(b"\0").decode("ascii")
    return None


def _paced_by_kernel(sock: socket.socket, rate_bps: int) -> bool:
    if sys.platform != "linux":  # the number means something else there
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, min(rate_bps // 8, _LARGEST_INT))
    except OSError:
        return False
    return True

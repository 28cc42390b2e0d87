"""Closes the drive in a thread of its own, so that the window can say that it is being done."""

import threading
import time
from collections.abc import Callable

_PATIENCE_S = 10.0


class BackgroundClose:
    """Runs ``close`` once."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._thread: threading.Thread | None = None
        self._since_s = 0.0

    @property
    def has_begun(self) -> bool:
        return self._thread is not None

    @property
    def is_done(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    @property
    def is_overdue(self) -> bool:
        """It has taken so long that whoever asks again may leave."""
        return self.has_begun and time.monotonic() - self._since_s > _PATIENCE_S

    def begin(self) -> None:
        # A daemon: one that hangs for good must not keep the process alive.
        self._thread = threading.Thread(target=self._close, name="close-drive", daemon=True)
        self._since_s = time.monotonic()
        self._thread.start()

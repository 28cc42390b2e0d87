"""Something slow that the window does not wait for: it is asked for once, and looked for later.

Must not be used for anything that has to be finished before the program ends.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """Runs ``make`` in a thread of its own; :meth:`take` gives the result once, when it is there.

    An exception is left to the thread's own report: what it would have made stays missing.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._result: list[T] = []
        self._thread = threading.Thread(
            target=lambda: self._result.append(make()), name="later", daemon=True
        )
        self._thread.start()

    def take(self) -> T | None:
        """Return the result the first time it is there, None at any other time."""
        return self._result.pop() if self._result else None

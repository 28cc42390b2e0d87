"""Work on pieces in a few threads while the next ones are read and the last ones are written.

Polars and Arrow let other threads run meanwhile, reading a survey does not. Order is kept, and no
more pieces are on the way than there are threads and one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_THREADS = 2


def in_order(pieces: Iterable[Piece], work: Callable[[Piece], Result]) -> Iterator[Result]:
    """Yield ``work(piece)`` for each piece; ``pieces`` are drawn in the calling thread."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="export") as threads:
        try:
            for piece in pieces:
                waiting.append(threads.submit(work, piece))
                if len(waiting) > _THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for unwanted in waiting:
                unwanted.cancel()

"""Gives way to throughput tests: their figures must not be lowered by our own traffic."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fieldsurvey.sync.transport import Answer

LOOK_S = 0.2


class TestRuns(Exception):  # noqa: N818 - it is no error
    """A throughput test has the link; the request was given up and can be made again."""

    __test__ = False


async def unless_busy(busy: Callable[[], bool], request: Coroutine[Any, Any, Answer]) -> Answer:
    """Make ``request`` as long as no test runs. Raises TestRuns, and what the request raises."""
    if busy():
        request.close()
        raise TestRuns
    task = asyncio.create_task(request)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
            if busy():
                raise TestRuns
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})

"""Bodies that are just coming in: watched, so that neither silence nor our end waits for them."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request

from fieldsurvey.hq.refusal import Refusal

_BODY_TIMEOUT_S = 3000.0  # 256 KiB at 700 bit/s
_SOON_S = 5


class Bodies:
    """All bodies under way; event loop only."""

    def __init__(self, idle_timeout_s: float) -> None:
        self._idle_timeout_s = idle_timeout_s
        self._under_way: set[asyncio.Timeout] = set()
        self._closing = False

    async def chunks(self, request: Request) -> AsyncIterator[bytes]:
        """Yield a body as it comes. Raises Refusal if nothing comes for a while, or we end."""
        body = request.stream()
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S) as whole:
                self._under_way.add(whole)
                if self._closing:
                    self.end_all()
                while True:
                    async with asyncio.timeout(self._idle_timeout_s):
                        chunk = await anext(body, None)
                    if chunk is None:
                        return
                    yield chunk
        except TimeoutError as error:
            if self._closing:
                raise Refusal(503, "closing", "", _SOON_S) from error
            raise Refusal(408, "too_slow", "the body stopped coming") from error
        finally:
            self._under_way.discard(whole)

    def end_all(self) -> None:
        """Refuse whatever is not whole yet, now and from now on; it comes again."""
        self._closing = True
        for one in self._under_way:
            one.reschedule(asyncio.get_running_loop().time())

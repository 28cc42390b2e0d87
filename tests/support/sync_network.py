"""A network between a laptop and a simulated HQ on which anything may go wrong, by plan."""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum

from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import EnrolRequest, RecoveryCopy
from tests.support.sync_hq import SimulatedHq

HTML = {"content-type": "text/html; charset=utf-8"}
PORTAL = b"<html><body>Please log in to the network</body></html>"


class Fault(Enum):
    """What happens to one request."""

    NONE = "none"
    LOST = "lost"
    ANSWER_LOST = "answer_lost"
    TWICE = "twice"
    CORRUPT = "corrupt"
    TRUNCATED = "truncated"
    PORTAL = "portal"
    PORTAL_REFUSES = "portal_refuses"
    REDIRECT = "redirect"
    PROXY_FAILS = "proxy_fails"
    PROXY_TOO_LARGE = "proxy_too_large"
    ANSWER_CUT = "answer_cut"
    ANSWER_OF_OTHER = "answer_of_other"
    BUSY = "busy"
    SLOW = "slow"


INSTEAD = {
    Fault.PORTAL: Answer(200, HTML, PORTAL),
    Fault.PORTAL_REFUSES: Answer(403, HTML, PORTAL),
    Fault.REDIRECT: Answer(302, {"location": "http://portal.example/login"}, b""),
    Fault.PROXY_FAILS: Answer(502, HTML, b"<html>Bad Gateway</html>"),
    Fault.PROXY_TOO_LARGE: Answer(413, HTML, b"<html>Request Entity Too Large</html>"),
    Fault.BUSY: Answer(503, {"retry-after": "30"}, b""),
}


class Network:
    """Takes one fault from ``faults`` for every request; when they are used up, all is well."""

    def __init__(self, hq: SimulatedHq, faults: Iterable[Fault] = ()) -> None:
        self.hq = hq
        self.up = True
        self.requests: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._faults = iter(faults)
        self._last_put: Answer | None = None

    def next_fault(self) -> Fault:
        return next(self._faults, Fault.NONE)

    async def hello(self) -> Answer:
        return await self._carry("hello", lambda _: self.hq.hello())

    async def enrol(self, request: EnrolRequest) -> Answer:
        return await self._carry("enrol", lambda _: self.hq.enrol(request))

    async def recovery(self, device: str, token: str, copy: RecoveryCopy) -> Answer:
        return await self._carry("recovery", lambda _: self.hq.recovery(device, token, copy))

    async def state(self, device: str, epoch: str) -> Answer:
        return await self._carry(f"state {epoch}", lambda _: self.hq.state(epoch))

    async def put(self, device: str, epoch: str, batch_no: int, content: bytes) -> Answer:
        return await self._carry(
            f"put {epoch} {batch_no}",
            lambda body: self.hq.put(body, epoch, batch_no),
            content,
        )

    async def consistency(self, first_size: int, size: int) -> Answer:
        return await self._carry("consistency", lambda _: self.hq.consistency(first_size, size))

    async def _carry(
        self, request: str, answer: Callable[[bytes], Answer], body: bytes = b""
    ) -> Answer:
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._through(answer, body)
        finally:
            self.in_flight -= 1

    async def _through(self, answer: Callable[[bytes], Answer], body: bytes) -> Answer:
        fault = self.next_fault() if self.up else Fault.LOST
        await asyncio.sleep(0.3)
        match fault:
            case Fault.LOST:
                await asyncio.sleep(10)
                raise TransportError(Cause.TIMED_OUT)
            case Fault.SLOW:
                await asyncio.sleep(200)
            case Fault.ANSWER_LOST:
                answer(body)
                raise TransportError(Cause.CUT_OFF)
            case Fault.TWICE:
                answer(body)
            case Fault.CORRUPT if body:
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
            case Fault.TRUNCATED if body:
                body = body[: len(body) // 2]
            case Fault.ANSWER_CUT:
                whole = answer(body)
                return Answer(whole.status, whole.headers, whole.body[: len(whole.body) // 2])
            case Fault.ANSWER_OF_OTHER if body and self._last_put is not None:
                return self._last_put  # a cache that takes one PUT for another
            case _ if fault in INSTEAD:
                return INSTEAD[fault]
        done = answer(body)
        if body:
            self._last_put = done
        return done

"""What sync asks of a network: requests to one HQ, and whatever came back, not yet understood.

An implementation must not follow redirects or judge an answer: who answers may be a hotel's login
page. :mod:`fieldsurvey.sync.answers` says what an answer means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fieldsurvey.model.throughput import Cause
from fieldsurvey.wire.answers import EnrolRequest, RecoveryCopy

MAX_ANSWER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` have lower-case names. ``body`` is cut at ``MAX_ANSWER_BYTES``."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """Nothing came back, or not all of it. ``cause`` is one of those that networks have."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        self.cause = cause
        self.detail = detail
        super().__init__(f"{cause}: {detail}")


class HqTransport(Protocol):
    """Every method raises TransportError, and may be cancelled: all requests can be repeated."""

    async def hello(self) -> Answer: ...

    async def enrol(self, request: EnrolRequest) -> Answer: ...

    async def recovery(self, device: str, token: str, copy: RecoveryCopy) -> Answer: ...

    async def state(self, device: str, epoch: str) -> Answer: ...

    async def put(self, device: str, epoch: str, batch_no: int, content: bytes) -> Answer: ...

    async def consistency(self, first_size: int, size: int) -> Answer: ...

    async def issued(self) -> Answer: ...

    async def issued_part(self, sha256: str, first_byte: int, most_bytes: int) -> Answer:
        """Ask for part of a document, of at most ``MAX_ANSWER_BYTES``."""
        ...

"""Stands before every load, of whatever protocol: asks for the token, gives the slot, counts.

Must not know how a load is served. Questions that cost next to nothing (pings, pages) pass.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from fieldsurvey.throughput.server import cloudflare, librespeed, mini, msak, ndt7
from fieldsurvey.throughput.server.clients import client_of
from fieldsurvey.throughput.server.load import LIMITS
from fieldsurvey.throughput.server.slots import NoSlotError, TestSlots
from fieldsurvey.throughput.server.tokens import BadTokenError, Tokens
from fieldsurvey.throughput.server.websocket_load import CLOSE_GRACE_S, ServerLoad

TEST_SLOTS = web.AppKey("test_slots", TestSlots)
TOKENS = web.AppKey("tokens", Tokens)
TOKENS_REQUIRED = web.AppKey("tokens_required", bool)

_LOADS: dict[Any, tuple[str, str]] = {
    msak.download: ("throughput1", "download"),
    msak.upload: ("throughput1", "upload"),
    ndt7.download: ("ndt7", "download"),
    ndt7.upload: ("ndt7", "upload"),
    librespeed.garbage: ("librespeed", "download"),
    librespeed.empty: ("librespeed", "upload"),
    cloudflare.down: ("cloudflare", "download"),
    cloudflare.up: ("cloudflare", "upload"),
    mini.image: ("mini", "download"),
    mini.upload: ("mini", "upload"),
}
_LONGEST_NAME = 64
_SWEEP_S = 0.5
BROWSERS_MAY_READ = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
}


@web.middleware
async def admit(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Raises 401 without a good token where one is required, 429 and 503 with Retry-After."""
    protocol, direction = _LOADS.get(request.match_info.handler, ("", ""))
    if not protocol or _costs_nothing(request, protocol, direction):
        return await handler(request)
    client, name = client_of(request.remote), protocol
    token = _token(request)
    try:
        if request.app[TOKENS_REQUIRED]:
            name += ":" + request.app[TOKENS].read(token)
        if mid := request.query.get("mid"):
            name += ":" + mid[:_LONGEST_NAME]
        if request.app[TOKENS_REQUIRED]:
            request.app[TOKENS].use(token, (client, name))
    except BadTokenError as refused:
        raise web.HTTPUnauthorized(
            text=f"{refused}\n", headers=BROWSERS_MAY_READ | {"WWW-Authenticate": "Bearer"}
        ) from refused
    slots = request.app[TEST_SLOTS]
    load = _Load(request, f"{protocol}-{direction}")
    try:
        test = slots.enter(client, request.remote or "", name, load)
    except NoSlotError as refused:
        raise refusal(refused.status, refused.retry_after_s, str(refused)) from refused
    # A WebSocket load takes the connection over before it waits for the first time.
    asyncio.get_running_loop().call_soon(load.look)
    try:
        return await handler(request)
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="the body is not what its head says\n") from error
    finally:
        slots.leave(test, load)


async def sweep(app: web.Application) -> None:
    """Look after the slots for as long as the server runs."""
    while True:
        await asyncio.sleep(_SWEEP_S)
        app[TEST_SLOTS].sweep()


def refusal(status: int, retry_after_s: float, reason: str) -> web.HTTPException:
    """Return the answer to one who has to wait."""
    kind = web.HTTPTooManyRequests if status == 429 else web.HTTPServiceUnavailable
    headers = BROWSERS_MAY_READ | {"Retry-After": f"{retry_after_s:.0f}"}
    return kind(text=f"{reason}\n", headers=headers)


async def token(request: web.Request) -> web.Response:
    """Issue a token to a client that would get a slot now; others are told when to come back."""
    check_room(request)
    text, expires_us = request.app[TOKENS].issue()
    return web.json_response(
        {"access_token": text, "expires_utc_us": expires_us}, headers=BROWSERS_MAY_READ
    )


def check_room(request: web.Request) -> None:
    """Raises 429 or 503 where the client would get no slot now."""
    try:
        request.app[TEST_SLOTS].check(client_of(request.remote))
    except NoSlotError as refused:
        raise refusal(refused.status, refused.retry_after_s, str(refused)) from refused


def _costs_nothing(request: web.Request, protocol: str, direction: str) -> bool:
    if direction == "upload" and protocol in ("librespeed", "mini"):
        return request.method != "POST" and not request.body_exists
    if protocol == "cloudflare" and direction == "download":
        return not request.query.get("bytes", "0").strip("0")
    return False


def _token(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return request.query.get("access_token") or (token if kind.lower() == "bearer" else "")


class _Load:
    """One load connection, for the slots."""

    def __init__(self, request: web.Request, kind: str) -> None:
        self.kind = kind
        self.ends_s = asyncio.get_running_loop().time() + _longest_s(request)
        self._request = request
        self._transport = request.transport
        self._writer = request.writer
        self._socket_load: ServerLoad | None = None

    def look(self) -> None:
        """See who has the connection now."""
        protocol = None if self._transport is None else self._transport.get_protocol()
        self._socket_load = protocol if isinstance(protocol, ServerLoad) else None

    def sent_bytes(self) -> int:
        """Return the bytes given to the system, which may hold a little of them."""
        load = self._socket_load
        return self._writer.output_size if load is None else load.sent_bytes

    def received_bytes(self) -> int:
        load = self._socket_load
        return self._request.content.total_bytes if load is None else load.meter.total_bytes

    def cut(self) -> None:
        if self._socket_load is not None:
            self._socket_load.end()
        elif self._transport is not None:
            self._transport.abort()


def _longest_s(request: web.Request) -> float:
    """Return how long this load may run; a wish that is none is refused later."""
    longest_s = request.app[LIMITS].seconds
    wish = request.query.get("duration", "")
    if request.match_info.handler in (ndt7.download, ndt7.upload):
        longest_s = min(ndt7.RUN_S, longest_s)
    elif wish.isascii() and wish.isdigit() and len(wish) < 10:
        longest_s = min(int(wish) / 1000, longest_s)
    return longest_s + CLOSE_GRACE_S

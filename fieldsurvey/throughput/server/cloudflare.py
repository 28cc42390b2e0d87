"""The two addresses of Cloudflare's speed test: ``/__down?bytes=N`` and ``/__up``."""

import time

from aiohttp import web

from fieldsurvey.throughput.server.load import LIMITS, SLOTS, send_random, swallow

_ALL_MAY_READ = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Server-Timing",
    "Timing-Allow-Origin": "*",
}


async def down(request: web.Request) -> web.StreamResponse:
    """Send so many random bytes; none is a ping."""
    began_s = time.perf_counter()
    limits = request.app[LIMITS]
    text = request.query.get("bytes", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise web.HTTPBadRequest(text="bytes must be a whole number\n", headers=_ALL_MAY_READ)
    total = min(int(text), limits.bytes_per_load)
    headers = _ALL_MAY_READ | {"Content-Type": "application/octet-stream"}
    if total == 0:
        return web.Response(headers=headers | _timing(began_s))
    with request.app[SLOTS].take():
        response = web.StreamResponse(
            headers=headers | {"Content-Length": str(total)} | _timing(began_s)
        )
        await send_random(request, response, total, limits.seconds)
        return response


async def up(request: web.Request) -> web.Response:
    """Count a body."""
    began_s = time.perf_counter()
    with request.app[SLOTS].take():
        received = await swallow(request)
    return web.Response(text=f"{received}", headers=_ALL_MAY_READ | _timing(began_s))


async def preflight(request: web.Request) -> web.Response:
    """A browser asks whether a page of another origin may send a body."""
    allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "*"}
    return web.Response(headers=_ALL_MAY_READ | allowed)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/__down", down, allow_head=False)
    app.router.add_post("/__up", up)
    app.router.add_options("/__up", preflight)


def _timing(began_s: float) -> dict[str, str]:
    """Return how long we ourselves took: clients take it off their round trip."""
    return {"Server-Timing": f"cfReqDur;dur={(time.perf_counter() - began_s) * 1000:.3f}"}

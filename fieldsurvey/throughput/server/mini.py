"""The few pages of a "Speedtest Mini" server, so that speedtest-cli can test against our own.

Must not be advertised as more: it is here for comparison with what others measure.
"""

import re

from aiohttp import web

from fieldsurvey.throughput.server.limits import asked_seconds
from fieldsurvey.throughput.server.load import LIMITS, SLOTS, send_random, swallow

# Bytes that the network's servers return for randomSxS.jpg.
IMAGE_BYTES = {
    350: 245_388,
    500: 505_544,
    750: 1_118_012,
    1000: 1_986_284,
    1500: 4_468_241,
    2000: 7_907_740,
    2500: 12_407_926,
    3000: 17_816_816,
    3500: 24_262_167,
    4000: 31_625_365,
}
_PAGE = """<!doctype html><title>FieldSurvey measurement server</title>
<script>var settings = {upload_extension: "php"};</script>
"""


async def page(request: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


async def latency(request: web.Request) -> web.Response:
    return web.Response(text="test=test\n")


async def image(request: web.Request) -> web.StreamResponse:
    """``random350x350.jpg`` and so on: random bytes of the size expected."""
    match = re.fullmatch(r"random(\d{1,5})x\1", request.match_info["name"])
    size = IMAGE_BYTES.get(int(match[1])) if match else None
    if size is None:
        raise web.HTTPNotFound
    with request.app[SLOTS].take():
        response = web.StreamResponse(
            headers={"Content-Type": "image/jpeg", "Content-Length": str(size)}
        )
        await send_random(request, response, size, asked_seconds(request, request.app[LIMITS]))
        return response


async def upload(request: web.Request) -> web.Response:
    """Count a body and say ``size=N``."""
    with request.app[SLOTS].take():
        received = await swallow(request)
    return web.Response(text=f"size={received}")


def add_routes(app: web.Application) -> None:
    app.router.add_get("/mini/", page)
    app.router.add_get("/mini/speedtest/latency.txt", latency)
    app.router.add_get("/mini/speedtest/{name}.jpg", image)
    app.router.add_route("*", "/mini/speedtest/upload.php", upload)

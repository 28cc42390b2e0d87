"""What LibreSpeed's clients ask of a server: garbage down, anything up, and their own address.

With and without ``.php``, at the root and under ``/backend``, as its clients are configured.
"""

from aiohttp import web

from fieldsurvey.throughput.server.load import LIMITS, SLOTS, send_random, swallow

CHUNK_BYTES = 1 << 20
DEFAULT_CHUNKS = 4
MOST_CHUNKS = 1024
_NO_STORE = {
    "Cache-Control": "no-store, no-cache, must-revalidate, max-age=0, s-maxage=0",
    "Pragma": "no-cache",
}
_AS_FILE = {
    "Content-Type": "application/octet-stream",
    "Content-Description": "File Transfer",
    "Content-Disposition": "attachment; filename=random.dat",
    "Content-Transfer-Encoding": "binary",
}


async def garbage(request: web.Request) -> web.StreamResponse:
    """``?ckSize=N``: N chunks of 1 MiB of random bytes."""
    limits = request.app[LIMITS]
    total = min(_chunks(request) * CHUNK_BYTES, limits.bytes_per_load)
    headers = _NO_STORE | _AS_FILE | _cors(request) | {"Content-Length": str(total)}
    with request.app[SLOTS].take():
        response = web.StreamResponse(headers=headers)
        await send_random(request, response, total, limits.seconds)
        return response


async def empty(request: web.Request) -> web.Response:
    """Swallow whatever is sent; answer with nothing."""
    if request.method == "POST":
        with request.app[SLOTS].take():
            await swallow(request)
    headers = _NO_STORE | _cors(request)
    if headers.get("Access-Control-Allow-Origin"):
        headers["Access-Control-Allow-Headers"] = "Content-Encoding, Content-Type"
    return web.Response(headers=headers)


async def address(request: web.Request) -> web.Response:
    """Tell clients their own address; who their operator is they know themselves."""
    return web.json_response(
        {"processedString": request.remote or "", "rawIspInfo": ""},
        headers=_NO_STORE | _cors(request),
    )


def add_routes(app: web.Application) -> None:
    for folder in ("", "/backend"):
        for suffix in ("", ".php"):
            app.router.add_get(f"{folder}/garbage{suffix}", garbage, allow_head=False)
            app.router.add_get(f"{folder}/empty{suffix}", empty)
            app.router.add_post(f"{folder}/empty{suffix}", empty)
            app.router.add_options(f"{folder}/empty{suffix}", empty)
            app.router.add_get(f"{folder}/getIP{suffix}", address)


def _chunks(request: web.Request) -> int:
    text = request.query.get("ckSize", "")
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return min(wanted, MOST_CHUNKS) if wanted > 0 else DEFAULT_CHUNKS


def _cors(request: web.Request) -> dict[str, str]:
    if "cors" not in request.query:
        return {}
    return {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, POST"}

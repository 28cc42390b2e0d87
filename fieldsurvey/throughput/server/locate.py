"""Tells third-party clients which server to use, in the words of M-Lab's Locate API, version 2.

Must not promise a slot that is not there: a full server is not listed, and with nothing to list
the answer is 204. (https://github.com/m-lab/locate, USAGE.md)
"""

import re
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from fieldsurvey.throughput.http_head import DOWNLOAD_PATH, UPLOAD_PATH
from fieldsurvey.throughput.server.admission import BROWSERS_MAY_READ, TEST_SLOTS, TOKENS
from fieldsurvey.throughput.server.clients import client_of
from fieldsurvey.throughput.server.settings import Sister
from fieldsurvey.throughput.server.slots import NoSlotError

SISTERS = web.AppKey("sisters", tuple[Sister, ...])
OURSELVES = web.AppKey("ourselves", Sister)  # with no URL: the one that the client asked

_SERVICES = {
    "ndt/ndt7": ("/ndt/v7/download", "/ndt/v7/upload"),
    "msak/throughput1": (DOWNLOAD_PATH, UPLOAD_PATH),
}
_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


async def nearest(request: web.Request) -> web.Response:
    """List this server and its sisters, each with a token of its own in the URLs."""
    paths = _SERVICES.get(request.match_info["service"])
    if paths is None:
        raise web.HTTPNotFound(text="no such service here\n", headers=BROWSERS_MAY_READ)
    listed = [*_ourselves(request), *request.app[SISTERS]]
    if not listed:
        return web.Response(status=204, headers=BROWSERS_MAY_READ)
    results = [_result(sister, paths, request.app[TOKENS].issue()[0]) for sister in listed]
    return web.json_response({"results": results}, headers=BROWSERS_MAY_READ)


def add_routes(app: web.Application, ourselves: Sister, sisters: tuple[Sister, ...]) -> None:
    app[OURSELVES] = ourselves
    app[SISTERS] = sisters
    app.router.add_get("/v2/nearest/{service:[a-z]+/[a-z0-9]+}", nearest)


def _ourselves(request: web.Request) -> list[Sister]:
    """Return this server as the client knows it, unless it would be refused now."""
    try:
        request.app[TEST_SLOTS].check(client_of(request.remote))
    except NoSlotError:
        return []
    ours = request.app[OURSELVES]
    if ours.url:
        return [ours]
    host = request.headers.get("Host", "")
    if not _HOST.fullmatch(host):
        raise web.HTTPBadRequest(text="a Host was expected\n")
    return [Sister(f"{request.scheme}://{host}", ours.city, ours.country)]


def _result(sister: Sister, paths: tuple[str, str], token: str) -> dict[str, object]:
    parts = urlsplit(sister.url)
    scheme = {"https": "wss", "http": "ws"}[parts.scheme]
    query = urlencode({"access_token": token})
    return {
        "machine": parts.hostname,
        "hostname": parts.hostname,
        "location": {"city": sister.city, "country": sister.country},
        "urls": {
            f"{scheme}://{path}": f"{scheme}://{parts.netloc}{parts.path}{path}?{query}"
            for path in paths
        },
    }

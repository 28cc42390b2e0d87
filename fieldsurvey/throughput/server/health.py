"""How the server is: ``/health`` for machines, ``/`` for people.

Must not tell who tested, nor anything that a stranger could not learn by testing.
"""

import time
from importlib import metadata
from typing import Any

from aiohttp import web

from fieldsurvey.model.messages import message, preferred_language
from fieldsurvey.throughput.server.admission import TEST_SLOTS
from fieldsurvey.throughput.server.load import LIMITS, SERVER_ID

_STARTED_S = web.AppKey("started_s", float)
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<p>{purpose}</p>
<dl>
{rows}
</dl>
</body>
</html>
"""


async def health(request: web.Request) -> web.Response:
    """Return ``status`` ``ok`` or ``full``, and what runs and ran."""
    return web.json_response(state(request.app))


async def page(request: web.Request) -> web.Response:
    """The same in words; no scripts, nothing to load."""
    asked = request.headers.get("Accept-Language", "").replace(",", ":").replace(" ", "")
    language = preferred_language({"LANGUAGE": asked[:200]})
    now = state(request.app)
    rows = [
        ("page_server", now["server"]),
        ("page_version", now["version"]),
        ("page_uptime", f"{now['uptime_s'] / 3600:.1f}"),
        ("page_running", f"{now['running_tests']} / {now['slots']}"),
        ("page_hour_tests", now["last_hour"]["tests"]),
        ("page_hour_gigabytes", f"{now['last_hour']['bytes'] / 1e9:.1f}"),
        ("page_gigabytes", f"{now['served_bytes'] / 1e9:.1f}"),
    ]

    def text(name: str) -> str:
        return message(f"measure_server.{name}").text(language)

    body = _PAGE.format(
        language=language,
        title=text("page_title"),
        purpose=text("page_purpose"),
        rows="\n".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in rows),
    )
    return web.Response(text=body, content_type="text/html")


def state(app: web.Application) -> dict[str, Any]:
    """Return what both tell."""
    slots, limits = app[TEST_SLOTS], app[LIMITS]
    slots.sweep()
    now_s = time.monotonic()
    running = slots.running()
    return {
        "status": "full" if running >= limits.tests else "ok",
        "server": app[SERVER_ID],
        "version": metadata.version("fieldsurvey"),
        "uptime_s": round(now_s - app[_STARTED_S], 1),
        "running_tests": running,
        "slots": limits.tests,
        "served_tests": slots.served_tests,
        "served_bytes": slots.served_bytes,
        "last_hour": {
            "tests": slots.hour.tests(now_s),
            "bytes": slots.hour.byte_count(now_s),
        },
        "refused": {
            "full": slots.refused[503],
            "client": slots.refused[429],
        },
    }


def add_routes(app: web.Application) -> None:
    app[_STARTED_S] = time.monotonic()
    app.router.add_get("/health", health)
    app.router.add_get("/", page)

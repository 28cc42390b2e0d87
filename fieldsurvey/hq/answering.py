"""How HQ's answers look over HTTP: JSON, a refusal in the protocol's form, a file or its rest."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.wire.answers import Problem

_bearer = HTTPBearer(auto_error=False, description="The token that enrolment gave.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

_CHUNK_BYTES = 64 * 1024
_FROM = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})?")
_FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": _FILE},
    206: {"content": _FILE, "description": "From the byte on that Range names"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe refusals for the API's description."""
    return {status: {"model": Problem} for status in (*statuses, 422, 503)}


def json_answer(
    document: object, status: int = 200, retry_after_s: int = 0, scheme: str = "Bearer"
) -> Response:
    """Answer with a document."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == 401:
        headers["WWW-Authenticate"] = scheme
    content = msgspec.json.encode(document)
    return Response(content, status, headers, media_type="application/json")


def file_answer(path: Path, wanted: str | None) -> Response:
    """Answer with a file that never changes, or what ``wanted`` (the field Range) names of it.

    Of ranges only one that says where it begins is understood; others, as RFC 9110 has it, are as
    if they were not there. Raises Refusal 404 if the file has just gone, 416 beyond its end.
    """
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError as error:
        raise Refusal(404, "no_such_file", "list anew") from error
    headers = {"Accept-Ranges": "bytes"}
    asked = _FROM.fullmatch(wanted or "")
    first, last = 0, size_bytes - 1
    if asked is not None:
        first = int(asked[1])
        last = min(last, int(asked[2])) if asked[2] else last
        if first >= size_bytes or last < first:
            raise Refusal(416, "range", f"the file has {size_bytes} bytes")
        headers["Content-Range"] = f"bytes {first}-{last}/{size_bytes}"
    headers["Content-Length"] = str(last + 1 - first)
    return StreamingResponse(
        _part(path, first, last + 1 - first),
        200 if asked is None else 206,
        headers,
        media_type="application/octet-stream",
    )


def _part(path: Path, first: int, count_bytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first, os.SEEK_SET)
        while count_bytes and (chunk := file.read(min(_CHUNK_BYTES, count_bytes))):
            count_bytes -= len(chunk)
            yield chunk

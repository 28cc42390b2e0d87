"""HQ over HTTP: the addresses of :mod:`fieldsurvey.wire.answers`, and nothing that decides.

Blocking work happens in threads; a body is never held whole here. Whatever arrives, the answer is
what the protocol has for it; 500 means a bug of ours.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
)
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fieldsurvey import __version__
from fieldsurvey.hq import enrolment, recovery
from fieldsurvey.hq.answering import Bearer
from fieldsurvey.hq.answering import json_answer as _json
from fieldsurvey.hq.answering import problems as _problems
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.devices import Device
from fieldsurvey.hq.landing import BUSY_RETRY_S, KNOWN_SCHEMAS
from fieldsurvey.hq.pulling import add_pulling
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.station import Station
from fieldsurvey.hq.status import status_of
from fieldsurvey.hq.status_page import HEADERS, status_page
from fieldsurvey.hq.throttle import Throttle
from fieldsurvey.model.messages import preferred_language
from fieldsurvey.wire.answers import (
    PROTOCOL,
    Enrolled,
    EnrolRequest,
    EpochState,
    Hello,
    Problem,
    Proof,
    RecoveryCopy,
    RecoveryKept,
)
from fieldsurvey.wire.keys import public_key_text
from fieldsurvey.wire.receipt import ReceiptState, SignedReceipt

_log = logging.getLogger(__name__)

_STRANGERS_PER_S, _STRANGERS_BURST = 20.0, 500  # of one address, without a token
_US_PER_DAY = 86_400_000_000
_HIGHEST = 2**62
_QUARANTINE_SHOWN = 100

DeviceId = Annotated[str, Path(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
EpochId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
BatchNo = Annotated[int, Path(ge=0, lt=_HIGHEST)]
Size = Annotated[int, Query(ge=0, lt=_HIGHEST)]
_basic = HTTPBasic(auto_error=False, description="Any user name; the token as password.")


_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}}
}
_BINARY_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def create_app(station: Station, bodies: Bodies) -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="FieldSurvey HQ",
        version=__version__,
        docs_url=None,  # these would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_error_handlers(app)
    door = _Door(station)
    settings = station.home.settings

    @app.get("/health", response_model=dict[str, int], responses=_problems())
    async def health() -> Response:
        """Say that the ledger can be read."""
        return _json({"log_size": await asyncio.to_thread(station.ledger.history.size)})

    @app.get(
        "/status",
        response_class=Response,
        responses=_HTML | _problems(401, 403, 429),
    )
    async def status(
        request: Request, person: Annotated[HTTPBasicCredentials | None, Depends(_basic)]
    ) -> Response:
        """Show HQ to an operator or supervisor: any user name, the token as password."""
        await door.admit_person(person)
        language = preferred_language({"LANGUAGE": _languages(request)})
        now_utc_us = station.clock.utc_us()

        def look() -> str:
            set_aside = station.ledger.quarantined(_QUARANTINE_SHOWN)
            return status_page(status_of(station), set_aside, language, now_utc_us)

        return HTMLResponse(await asyncio.to_thread(look), headers=HEADERS)

    @app.get("/v1/hello", response_model=Hello)
    async def hello() -> Response:
        """Say who this is and what it speaks."""
        return _json(
            Hello(
                settings.server,
                station.clock.utc_us(),
                (PROTOCOL,),
                KNOWN_SCHEMAS,
                settings.max_batch_bytes,
                settings.max_in_flight,
                public_key_text(station.key.public_key()),
            )
        )

    @app.post("/v1/enrol", response_model=Enrolled, responses=_problems(400, 403, 429))
    async def enrol(request: Request, wanted: EnrolRequest) -> Response:
        """Give a device its name and token for a one-time code."""
        door.stranger(request)
        now_utc_us = station.clock.utc_us()
        return _json(
            await asyncio.to_thread(
                enrolment.enrol, station.home, station.ledger, station.key, wanted, now_utc_us
            )
        )

    @app.put(
        "/v1/devices/{device}/recovery",
        response_model=RecoveryKept,
        responses=_problems(400, 401, 403, 429),
    )
    async def put_recovery(device: DeviceId, bearer: Bearer, copy: RecoveryCopy) -> Response:
        """Keep the copy of a device's file key that HQ alone can open; only its own device may
        bring it."""
        holder = await door.admit(bearer)
        if holder.device != device:
            raise Refusal(403, "device", "of another device")
        now_utc_us = station.clock.utc_us()
        return _json(
            await asyncio.to_thread(
                recovery.keep, station.home, station.ledger, device, copy, now_utc_us
            )
        )

    @app.get(
        "/v1/devices/{device}/epochs/{epoch}/state",
        response_model=EpochState,
        responses=_problems(401, 403, 429),
    )
    async def state(device: DeviceId, epoch: EpochId, bearer: Bearer) -> Response:
        """Say what HQ holds of an epoch."""
        await door.admit(bearer)

        def look() -> EpochState:
            return station.ledger.epoch_state(
                device,
                epoch,
                durable_without_mirror=settings.durable_on_one_disk,
                checkpoint_note=station.log.checkpoint(),
            )

        return _json(await asyncio.to_thread(look))

    @app.put(
        "/v1/devices/{device}/epochs/{epoch}/batches/{n}",
        response_model=SignedReceipt,
        status_code=201,
        responses=_problems(400, 401, 403, 408, 411, 413, 429)
        | {
            200: {"model": SignedReceipt, "description": "These bytes had been here before"},
            202: {"model": SignedReceipt, "description": "Held, and not understood or in conflict"},
        },
        openapi_extra=_BINARY_BODY,
    )
    async def put_batch(
        request: Request, device: DeviceId, epoch: EpochId, n: BatchNo, bearer: Bearer
    ) -> Response:
        """Keep a sealed batch for good and give a receipt. Any device may bring it: what counts is
        whose signature it has."""
        await door.admit(bearer)
        _check_length(request.headers.get("content-length"), settings.max_batch_bytes)
        landed = await station.landing.land(
            device,
            epoch,
            n,
            bodies.chunks(request),
            request.headers.get("content-digest"),
        )
        plain = landed.signed.receipt.state is ReceiptState.LANDED
        status = 200 if landed.replay else 201 if plain else 202
        return Response(landed.signed.to_bytes(), status, media_type="application/json")

    @app.get("/v1/log/checkpoint", response_class=Response, responses=_TEXT | _problems(429))
    async def checkpoint(request: Request) -> Response:
        """Give the newest signed note of HQ's log."""
        door.stranger(request)
        note = await asyncio.to_thread(station.log.checkpoint)
        return Response(note, media_type="text/plain; charset=utf-8")

    @app.get("/v1/log/consistency", response_model=Proof, responses=_problems(404, 429))
    async def consistency(request: Request, first: Size, size: Size) -> Response:
        """Prove that the log of ``size`` begins with that of ``first``."""
        door.stranger(request)
        return await _proof(lambda: station.log.consistency(first, size))

    @app.get("/v1/log/inclusion", response_model=Proof, responses=_problems(404, 429))
    async def inclusion(request: Request, index: Size, size: Size) -> Response:
        """Prove that receipt ``index`` is in the log of ``size``."""
        door.stranger(request)
        return await _proof(lambda: station.log.inclusion(index, size))

    add_pulling(app, station, door.admit)
    return app


class _Door:
    """Who may come in, and how often."""

    def __init__(self, station: Station) -> None:
        settings = station.home.settings
        self._station = station
        self._devices = Throttle(settings.requests_per_s, settings.burst_requests)
        self._strangers = Throttle(_STRANGERS_PER_S, _STRANGERS_BURST)

    def stranger(self, request: Request) -> None:
        """Let anybody in, a few times a second."""
        host = request.client.host if request.client else ""
        _demand_patience(self._strangers.wait_s(host))

    async def admit(self, bearer: HTTPAuthorizationCredentials | None) -> Device:
        """Let an enrolled device in, or a person with a role; say who it is."""
        if bearer is None:
            raise Refusal(401, "no_token")
        one = await asyncio.to_thread(self._holder, bearer.credentials)
        _demand_patience(self._devices.wait_s(one.device))
        return one

    async def admit_person(self, person: HTTPBasicCredentials | None) -> None:
        """Let somebody in whose token is not only a device's."""
        if person is None:
            raise Refusal(401, "no_token")
        one = await asyncio.to_thread(self._holder, person.password)
        if one.role == "device":
            raise Refusal(403, "role", "for operators and supervisors")
        _demand_patience(self._devices.wait_s(one.device))

    def _holder(self, token: str) -> Device:
        now_utc_us = self._station.clock.utc_us()
        devices = self._station.ledger.devices
        one = devices.by_token(token)
        if one is None:
            raise Refusal(401, "unknown_token")
        if one.revoked_utc_us is not None:
            raise Refusal(403, "revoked")
        lifetime_us = self._station.home.settings.token_days * _US_PER_DAY
        if now_utc_us > one.token_utc_us + lifetime_us:
            raise Refusal(401, "token_expired", "enrol again")
        devices.seen(one, now_utc_us)
        return one


def _languages(request: Request) -> str:
    """Return what a browser asks for, first choice first, as a locale variable has it."""
    wanted = request.headers.get("accept-language", "")[:200]
    return ":".join(part.split(";")[0].strip() for part in wanted.split(","))


def _demand_patience(wait_s: int) -> None:
    if wait_s:
        raise Refusal(429, "too_many_requests", retry_after_s=wait_s)


def _check_length(field: str | None, most_bytes: int) -> None:
    if field is not None and (not field.isdigit() or len(field) > 18):
        raise Refusal(400, "length", "Content-Length is no number")
    if field is not None and int(field) > most_bytes:
        raise Refusal(413, "too_large", f"more than {most_bytes} bytes")


async def _proof(prove: Callable[[], list[bytes]]) -> Response:
    try:
        hashes = await asyncio.to_thread(prove)
    except ValueError as error:
        raise Refusal(404, "no_such_tree", str(error)) from error
    return _json(Proof(tuple(one.hex() for one in hashes)))


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        # A browser asks for name and password only if this is all it is told.
        person = request.url.path == "/status"
        scheme = 'Basic realm="FieldSurvey HQ"' if person else "Bearer"
        problem = Problem(error.code, error.detail)
        return _json(problem, error.status, error.retry_after_s, scheme)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(map(str, first.get("loc", ())))
        return _json(Problem("request", f"{where}: {first.get('msg', '')}"), 422)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        answer = _json(Problem("http", str(error.detail)), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(SQLAlchemyError)
    async def ledger(_: Request, error: SQLAlchemyError) -> Response:
        return _json(Problem("ledger"), 503, BUSY_RETRY_S)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return _json(Problem("bug"), 500)

    @app.exception_handler(OSError)
    async def disk(_: Request, error: OSError) -> Response:
        return _json(Problem("storage", error.strerror or ""), 503, BUSY_RETRY_S)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return _json(Problem("disconnected"), 400)

"""What HQ gives back over HTTP: the archive's files to supervisors, issued documents to laptops."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials

from fieldsurvey.hq import issuing
from fieldsurvey.hq.answering import FILE, Bearer, file_answer, json_answer, problems
from fieldsurvey.hq.devices import Device
from fieldsurvey.hq.offering import DAY, Offers, Question, box_of
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.station import Station
from fieldsurvey.wire.answers import ArchiveOffer
from fieldsurvey.wire.issued import IssuedList

_AGAIN = 3  # times, if merges take away files that are being looked into
_NUMBER = r"-?[0-9]{1,3}(\.[0-9]{1,15})?"

Admit = Callable[[HTTPAuthorizationCredentials | None], Awaitable[Device]]
Table = Annotated[Literal["", "samples", "tests", "events", "drives"], Query()]
FirstDay = Annotated[str, Query(alias="from", pattern=f"^({DAY.pattern})?$")]
LastDay = Annotated[str, Query(alias="to", pattern=f"^({DAY.pattern})?$")]
Area = Annotated[str, Query(pattern=f"^({_NUMBER}(,{_NUMBER}){{3}})?$")]
Campaign = Annotated[str, Query(max_length=200)]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


def add_pulling(app: FastAPI, station: Station, admit: Admit) -> None:
    """Add the addresses; ``admit`` says whose token a request carries, or refuses."""
    offers = Offers(station)

    async def admit_supervisor(bearer: HTTPAuthorizationCredentials | None) -> None:
        one = await admit(bearer)
        if one.role == "device":
            raise Refusal(403, "role", "for operators and supervisors")

    @app.get(
        "/v1/archive/files", response_model=ArchiveOffer, responses=problems(401, 403, 404, 429)
    )
    async def archive_files(
        bearer: Bearer,
        table: Table = "",
        first_day: FirstDay = "",
        last_day: LastDay = "",
        area: Area = "",
        campaign: Campaign = "",
    ) -> Response:
        """List the archive's files with rows of these days (UTC), this area (west,south,east,north
        in degrees) and this campaign; some of their other rows come with them."""
        await admit_supervisor(bearer)
        try:
            box = box_of(area) if area else None
        except ValueError as error:
            raise Refusal(422, "area", str(error)) from error
        question = Question(table, first_day, last_day, box, campaign)
        return json_answer(await asyncio.to_thread(_answer, offers, question))

    @app.get(
        "/v1/archive/files/{sha256}",
        response_class=Response,
        responses=FILE | problems(401, 403, 404, 416, 429),
    )
    async def archive_file(request: Request, sha256: Digest, bearer: Bearer) -> Response:
        """Give a file of the archive. 404: it is no longer part of it; list anew."""
        await admit_supervisor(bearer)
        path = await asyncio.to_thread(offers.path_of, sha256)
        if path is None:
            raise Refusal(404, "no_such_file", "list anew")
        return await asyncio.to_thread(file_answer, path, request.headers.get("range"))

    @app.get("/v1/issued", response_model=IssuedList, responses=problems(401, 403, 429))
    async def issued(bearer: Bearer) -> Response:
        """List the newest version of every survey plan, places file and set of targets."""
        await admit(bearer)
        return json_answer(IssuedList(await asyncio.to_thread(issuing.newest, station)))

    @app.get(
        "/v1/issued/{sha256}",
        response_class=Response,
        responses=FILE | problems(401, 403, 404, 416, 429),
    )
    async def issued_document(request: Request, sha256: Digest, bearer: Bearer) -> Response:
        """Give a document that was issued."""
        await admit(bearer)
        path = await asyncio.to_thread(issuing.document_path, station, sha256)
        if path is None:
            raise Refusal(404, "no_such_file")
        return await asyncio.to_thread(file_answer, path, request.headers.get("range"))


def _answer(offers: Offers, question: Question) -> ArchiveOffer:
    for left in reversed(range(_AGAIN)):
        try:
            return offers.answer(question)
        except FileNotFoundError:
            if not left:
                raise
    raise AssertionError("not reached")

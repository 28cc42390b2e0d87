"""What a laptop takes from a real HQ, and what it does not."""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fieldsurvey.drive.issued_check import check_issued
from fieldsurvey.hq import issuing
from fieldsurvey.hq.station import open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.store.codec import message_from_json
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.issued_folder import IssuedFolder, Memory
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import Profile
from fieldsurvey.sync.pulling import PIECE_BYTES, pull
from fieldsurvey.sync.quiet import TestRuns
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.issued import IssuedKind, IssuedList, SignedIssued, sign_issued
from fieldsurvey.wire.keys import Ed25519PrivateKey
from tests.support.hq_archive import enrolment_of, revoke, someone
from tests.support.hq_server import Server
from tests.support.hq_values import Laptop
from tests.support.sync_survey import make_survey

Change = Callable[[Answer], Answer]


class Wire(HttpTransport):
    """The real transport, between which and HQ somebody may sit."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.change_list: Callable[[list[SignedIssued]], list[SignedIssued]] = list
        self.change_part: Change = lambda answer: answer
        self.parts: list[int] = []

    async def issued(self) -> Answer:
        answer = await super().issued()
        if answer.status != 200:
            return answer
        listed = list(msgspec.json.decode(answer.body, type=IssuedList).issued)
        body = msgspec.json.encode(IssuedList(tuple(self.change_list(listed))))
        return dataclasses.replace(answer, body=body)

    async def issued_part(self, sha256: str, first_byte: int, most_bytes: int) -> Answer:
        self.parts.append(first_byte)
        return self.change_part(await super().issued_part(sha256, first_byte, most_bytes))


class Desk:
    """A laptop with a profile, and HQ's operator beside it."""

    def __init__(self, server: Server, folder: Path, name: str) -> None:
        self.server, self.folder, self.name = server, folder, name
        self.laptop: Laptop = someone(server.home, "device")
        self.enrolment = enrolment_of(server, self.laptop)
        self.wire = Wire(self.enrolment.hq_url, self.enrolment.token)
        self.profile = Profile(folder / "profile")
        self.issued = IssuedFolder(self.profile.issued_path)
        self.busy: Callable[[], bool] = lambda: False

    def publish(self, text: str, kind: IssuedKind = IssuedKind.PLAN) -> SignedIssued:
        path = self.folder / "document"
        path.write_text(text, encoding="utf-8")
        with open_station(self.server.home, SystemClock()) as station:
            one, _ = issuing.publish(station, path, kind, self.name)
            return next(signed for signed in issuing.all_issued(station) if signed.issued == one)

    def parts(self, outbox: Outbox | None = None) -> Parts:
        async def at_once(work: Callable[[Outbox], object]) -> object:
            return work(outbox)  # type: ignore[arg-type]

        return Parts(
            self.profile,
            self.enrolment,
            self.laptop.key,
            self.wire,
            at_once,  # type: ignore[arg-type]
            SystemClock(),
            lambda most: 0.0,
            lambda: self.busy(),
            check_issued=check_issued,
        )

    def pull(self, *, over_budget: bool = False) -> bool:
        async def main() -> bool:
            async with self.wire:
                # What other tests have issued is none of this laptop's.
                change = self.wire.change_list
                self.wire.change_list = lambda listed: change(
                    [one for one in listed if one.issued.name == self.name]
                )
                try:
                    return await pull(self.parts(), check_issued, over_budget=over_budget)
                finally:
                    self.wire.change_list = change

        return asyncio.run(main())

    def memory(self) -> Memory:
        return self.issued.memory()

    def refused(self) -> list[str]:
        return [message_from_json(one).id for one in self.memory().refused]

    def offered(self) -> str | None:
        path = self.profile.issued_path / "plans" / f"{self.name}.toml"
        return path.read_text(encoding="utf-8") if path.exists() else None


@pytest.fixture
def desk(hq_server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
    return Desk(hq_server, tmp_path, name[:60].lower())


def plan(name: str) -> str:
    return f'name = "{name}"\n'


def test_newer_versions_come_and_replace(desk: Desk) -> None:
    desk.publish(plan("one"))
    assert desk.pull()
    assert desk.offered() == plan("one")
    desk.publish(plan("two"))
    assert desk.pull()
    assert desk.offered() == plan("two")
    asked = len(desk.wire.parts)
    assert desk.pull()
    assert (len(desk.wire.parts), desk.refused()) == (asked, [])
    assert not any((desk.profile.issued_path / "parts").iterdir())


def test_targets_come_too(desk: Desk) -> None:
    text = (resources_dir() / "targets" / "kazakhstan-2027.toml").read_text(encoding="utf-8")
    desk.publish(text, IssuedKind.TARGETS)
    assert desk.pull()
    path = desk.profile.issued_path / "targets" / f"{desk.name}.toml"
    assert path.read_text(encoding="utf-8") == text


def test_an_older_version_is_refused(desk: Desk) -> None:
    older = desk.publish(plan("one"))
    desk.publish(plan("two"))
    desk.pull()
    desk.wire.change_list = lambda listed: [older]
    assert desk.pull()
    assert (desk.offered(), desk.refused()) == (plan("two"), ["sync.issued_older"])
    desk.wire.change_list = list
    desk.pull()
    assert desk.refused() == []


def test_two_documents_of_one_version_are_refused(desk: Desk) -> None:
    signed = desk.publish(plan("one"))
    desk.pull()
    twin = dataclasses.replace(signed.issued, sha256="0" * 64)
    desk.wire.change_list = lambda listed: [sign_issued(twin, desk.server.home.key())]
    desk.pull()
    assert (desk.offered(), desk.refused()) == (plan("one"), ["sync.issued_older"])


def test_another_key_is_not_believed(desk: Desk) -> None:
    signed = desk.publish(plan("one"))
    forged = sign_issued(signed.issued, Ed25519PrivateKey.generate())
    desk.wire.change_list = lambda listed: [forged]
    desk.pull()
    assert (desk.offered(), desk.refused(), desk.wire.parts) == (None, ["sync.issued_forged"], [])


def test_tampered_bytes_are_refused_and_asked_for_again(desk: Desk) -> None:
    desk.publish(plan("one"))
    desk.wire.change_part = lambda answer: dataclasses.replace(
        answer, body=answer.body.replace(b"one", b"two")
    )
    desk.pull()
    assert (desk.offered(), desk.refused()) == (None, ["sync.issued_wrong"])
    desk.wire.change_part = lambda answer: answer
    desk.pull()
    assert (desk.offered(), desk.refused()) == (plan("one"), [])


def test_a_plan_that_cannot_be_used_is_kept_aside(desk: Desk) -> None:
    desk.publish(plan("one"))
    desk.pull()
    desk.publish("no_such_key = 1\n")
    assert desk.pull()
    assert desk.offered() == plan("one")
    came = desk.memory().came[f"plan/{desk.name}"]
    assert came.aside is not None
    assert (came.aside.issued.version, message_from_json(came.reason).id) == (
        2,
        "drive.plan_unknown_key",
    )
    aside = desk.profile.issued_path / "aside" / f"plan-{desk.name}-2.toml"
    assert aside.read_text(encoding="utf-8") == "no_such_key = 1\n"
    desk.publish(plan("three"))
    desk.pull()
    assert desk.offered() == plan("three")
    assert desk.memory().came[f"plan/{desk.name}"].aside is None


def test_pieces_come_once_when_tests_and_budgets_break_in(desk: Desk) -> None:
    text = plan("one") + "# long\n" * (2 * PIECE_BYTES // 7)
    one = desk.publish(text).issued
    desk.busy = lambda: desk.issued.part_bytes(one) > 0
    with pytest.raises(TestRuns):
        desk.pull()
    assert desk.offered() is None
    desk.busy = lambda: False
    spent = desk.profile.spent().total_bytes
    assert spent > PIECE_BYTES
    desk.enrolment = dataclasses.replace(desk.enrolment, budget_bytes_per_day=spent + 1000)
    assert not desk.pull()
    assert desk.offered() is None
    asked = len(desk.wire.parts)
    assert desk.pull(over_budget=True)
    assert desk.offered() == text
    assert desk.wire.parts[asked:] == [PIECE_BYTES, 2 * PIECE_BYTES]


def test_a_revoked_laptop_gets_nothing(desk: Desk) -> None:
    desk.publish(plan("one"))
    revoke(desk.server.home, desk.laptop)
    assert not desk.pull()
    assert not desk.profile.issued_path.exists()


def test_documents_come_after_the_batches(desk: Desk) -> None:
    desk.publish(plan("one"))
    rows_at_first_piece: list[int] = []
    ledger = desk.server.home.ledger()

    def look(answer: Answer) -> Answer:
        rows_at_first_piece.append(ledger.per_device().get(desk.laptop.device, {}).get("rows", 0))
        return answer

    desk.wire.change_part = look
    with make_survey(desk.folder / "a.fsurvey", rows=10) as survey:

        async def main() -> bool:
            async with desk.wire:
                return (await Syncer(desk.parts(Outbox(survey))).drain()).complete

        assert asyncio.run(main())
    ledger.close()
    assert desk.offered() == plan("one")
    assert rows_at_first_piece[0] == 10
    assert json.loads((desk.profile.issued_path / "issued.json").read_bytes())["refused"] == []

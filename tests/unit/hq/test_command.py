"""``fieldsurvey hq``: what an operator types, and what comes back."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import COMMANDS, cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.hq.enrolment import enrol
from fieldsurvey.hq.home import Home
from fieldsurvey.wire.answers import EnrolRequest
from fieldsurvey.wire.bundle import read_receipts, write_bundle
from fieldsurvey.wire.keys import base64_text, sign
from tests.support.hq_values import Laptop


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    folder = tmp_path / "hq"
    assert run("init", folder, "--server", "hq.test", "--single-disk").exit_code == 0
    return folder


def run(*words: object, language: str = "en") -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language=language)
    before = dict(COMMANDS)
    COMMANDS["hq"] = "fieldsurvey.hq.command"  # as the composition root does
    try:
        return CliRunner().invoke(cli, ["hq", *map(str, words)], obj=shell)
    finally:
        COMMANDS.clear()
        COMMANDS.update(before)


def _enrolled(folder: Path, laptop: Laptop) -> Laptop:
    """Enrol with a code that the command printed."""
    code = run("enrol", folder, "--hours", "1").stdout.strip()
    home = Home.open(folder)
    ledger = home.ledger()
    signature = base64_text(sign(laptop.key, "enrolment", code.encode()))
    request = EnrolRequest(code, laptop.public_key, signature)
    now_utc_us = next(iter(ledger.history.audit_entries())).at_utc_us
    answer = enrol(home, ledger, home.key(), request, now_utc_us)
    ledger.close()
    laptop.device, laptop.token = answer.device, answer.token
    return laptop


def _status(folder: Path) -> dict[str, dict[str, object]]:
    document: dict[str, dict[str, object]] = json.loads(run("status", folder, "--json").stdout)
    return document


def test_init_makes_a_whole_folder_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "hq"
    done = run("init", folder, "--server", "hq-1")
    assert done.exit_code == 0
    assert "durable_without_mirror" in done.stderr  # it says what is missing
    settings = tomllib.loads((folder / "hq.toml").read_text(encoding="utf-8"))
    assert (settings["server"], settings["durable_without_mirror"]) == ("hq-1", False)
    assert oct((folder / "keys" / "hq.pem").stat().st_mode)[-3:] == "600"
    status = _status(folder)
    assert status["log"]["log_size"] == status["log"]["checkpoint_size"] == 0
    assert str(status["log"]["checkpoint"]).startswith("hq-1/log/")

    key = (folder / "keys" / "hq.pem").read_bytes()
    again = run("init", folder)
    assert again.exit_code == 1
    assert "not an empty folder" in again.stderr
    assert (folder / "keys" / "hq.pem").read_bytes() == key


@pytest.mark.parametrize("server", ["two words", "", "a+b", "-x"])
def test_init_refuses_a_name_that_would_not_sign(tmp_path: Path, server: str) -> None:
    assert run("init", tmp_path / "hq", "--server", server).exit_code == 2
    assert not (tmp_path / "hq").exists()


def test_init_that_fails_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "hq"
    done = run("init", folder, "--ledger", "postgresql://nobody@/none?host=/nowhere")
    assert done.exit_code == 1
    assert "ledger" in done.stderr
    assert list(folder.iterdir()) == []
    assert run("init", folder).exit_code == 0


def test_bundles_come_in_as_over_the_network(hq: Path, tmp_path: Path) -> None:
    laptop = _enrolled(hq, Laptop())
    sealed = [laptop.seal() for _ in range(3)]
    stranger = Laptop().seal()
    bundle, receipts = tmp_path / "b.fspb", tmp_path / "r.fspb"
    write_bundle(bundle, [one.content for one in (*sealed, stranger)])

    first = run("import", hq, bundle, "-o", receipts)
    assert first.exit_code == 1  # one is a stranger's
    assert "3 batches are held, 0 of them were here before" in first.stdout
    assert "unknown_device" in first.stderr
    key = Home.open(hq).key().public_key()
    given = list(read_receipts(receipts))
    for one in given:
        one.verify(key)
    assert [one.receipt.sha256 for one in given] == [one.sha256 for one in sealed]

    write_bundle(bundle, [one.content for one in sealed])
    again = run("import", hq, bundle, "-o", receipts)
    assert again.exit_code == 0
    assert "3 batches are held, 3 of them were here before" in again.stdout
    assert list(read_receipts(receipts)) == given
    counts = _status(hq)["counts"]
    assert (counts["batches"], counts["rows"], counts["quarantined"]) == (3, 30, 3)
    assert run("verify", hq, "--receipts", receipts).exit_code == 0


def test_a_damaged_bundle_gives_what_can_be_read(hq: Path, tmp_path: Path) -> None:
    laptop = _enrolled(hq, Laptop())
    bundle = tmp_path / "b.fspb"
    write_bundle(bundle, [laptop.seal(payload=bytes(5_000)).content for _ in range(3)])
    content = bundle.read_bytes()
    bundle.write_bytes(content[: len(content) * 2 // 3])
    done = run("import", hq, bundle)
    assert done.exit_code == 1
    assert "damaged" in done.stderr
    assert _status(hq)["counts"]["batches"] in (1, 2)
    assert run("import", hq, tmp_path / "nothing").exit_code == 1


def test_a_revoked_device_is_listed(hq: Path) -> None:
    laptop = _enrolled(hq, Laptop())
    assert run("revoke", hq, laptop.device).exit_code == 0
    assert run("revoke", hq, "nobody").exit_code == 1
    done = run("accept", hq, laptop.device)
    assert done.exit_code == 0
    assert "0 batches" in done.stderr
    (device,) = _status(hq)["devices"]
    assert device["revoked_utc_us"] is not None  # type: ignore[index]
    assert laptop.device in run("status", hq).stdout


def test_verify_finds_and_says_so(hq: Path, tmp_path: Path) -> None:
    laptop = _enrolled(hq, Laptop())
    bundle = tmp_path / "b.fspb"
    write_bundle(bundle, [laptop.seal().content])
    run("import", hq, bundle)
    clean = run("verify", hq, "--json")
    assert clean.exit_code == 0
    assert json.loads(clean.stdout)["ok"] is True

    (path,) = (hq / "raw").rglob("*.fsb")
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    found = run("verify", hq, "--json")
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert [one["id"] for one in document["findings"]] == ["hq.finding_file"]
    assert document["findings"][0]["path"] == str(path.relative_to(hq / "raw"))
    assert "Файл" in run("verify", hq, language="ru").stdout or path.name in found.stdout


def test_everything_leaves_a_trace(hq: Path, tmp_path: Path) -> None:
    laptop = _enrolled(hq, Laptop())
    bundle = tmp_path / "b.fspb"
    write_bundle(bundle, [laptop.seal().content])
    run("import", hq, bundle)
    run("verify", hq)
    run("revoke", hq, laptop.device)
    ledger = Home.open(hq).ledger()
    entries = ledger.history.audit_entries()
    ledger.close()
    words = [one.what for one in entries]
    assert words == ["initialised", "enrol_code", "enrolled", "imported", "verified", "revoked"]
    assert {one.who for one in entries} == {"operator", laptop.device}


@pytest.mark.parametrize("words", [("status",), ("verify",), ("enrol",), ("rebuild",)])
def test_no_hq_is_said_in_every_language(tmp_path: Path, words: tuple[str, ...]) -> None:
    for language in ("en", "kk", "ru"):
        done = run(*words, tmp_path / "nowhere", language=language)
        assert done.exit_code == 1
        assert "hq init" in done.stderr


@pytest.mark.parametrize(
    "content", ["server = 3", "server = 'a'\nnonsense = 1", "server = ", "", "server = 'a b'"]
)
def test_settings_that_cannot_be_are_said(hq: Path, content: str) -> None:
    (hq / "hq.toml").write_text(content, encoding="utf-8")
    done = run("status", hq)
    assert done.exit_code == 1
    assert "hq.toml" in done.stderr


def test_a_lost_key_is_said(hq: Path) -> None:
    (hq / "keys" / "hq.pem").unlink()
    done = run("status", hq)
    assert done.exit_code == 1
    assert "hq.pem" in done.stderr

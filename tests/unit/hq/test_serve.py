"""Running HQ: limits, TLS, the worker beside it, its end, and being killed again and again."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest

from fieldsurvey.hq.rebuild import rebuild_ledger
from fieldsurvey.hq.station import open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_kills import kill_campaign
from tests.support.hq_rows import drive_payload
from tests.support.hq_server import enrolled, make_home, put_head, running


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq", requests_per_s=0.5, burst_requests=3)
    hasty, other = enrolled(home, 2)
    with running(home, "--no-merge") as server:
        answers = [server.put(hasty, hasty.seal()) for _ in range(5)]
        assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
        assert answers[-1].code == "too_many_requests"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
        assert server.put(other, other.seal()).status == 202


def test_a_body_that_stops_coming_is_given_up(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq", idle_timeout_s=0.4)
    (laptop,) = enrolled(home)
    with running(home, "--no-merge") as server:
        one = laptop.seal(payload=bytes(100_000))
        with server.socket() as connection:
            connection.sendall(put_head(one, laptop.token, len(one.content)))
            connection.sendall(one.content[:1000])
            assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]
        with server.socket() as connection:  # slow, and steady, is welcome
            connection.sendall(put_head(one, laptop.token, len(one.content)))
            step = len(one.content) // 6 + 1
            for start in range(0, len(one.content), step):
                connection.sendall(one.content[start : start + step])
                time.sleep(0.15)
            assert b" 202 " in connection.recv(4096).split(b"\r\n")[0]
        assert list(home.spool.iterdir()) == []


def test_tls_with_a_private_authority(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=hq.test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    home = make_home(tmp_path / "hq")
    options = ("--no-merge", "--tls-cert", str(certificate), "--tls-key", str(key))
    with running(home, *options) as server:
        context = ssl.create_default_context(cafile=str(certificate))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version = context.maximum_version = version
            url = f"https://127.0.0.1:{server.port}/v1/hello"
            with urllib.request.urlopen(url, timeout=10, context=context) as answer:
                assert json.loads(answer.read())["server"] == "hq.test"


@pytest.mark.parametrize("what", ["port", "certificate", "folder", "mirror"])
def test_what_cannot_be_served_is_said(tmp_path: Path, what: str) -> None:
    home = make_home(tmp_path / "hq")
    folder, port, options = home.folder, "0", []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if what == "port":
            port = str(taken.getsockname()[1])
        elif what == "certificate":
            options = ["--tls-cert", "/dev/null", "--tls-key", "/dev/null"]
        elif what == "mirror":
            mirror = tmp_path / "second"
            mirror.mkdir()
            settings = {"mirror": str(mirror), "durable_without_mirror": False}
            folder = make_home(tmp_path / "other", **settings).folder
        else:
            folder = tmp_path / "nowhere"
        done = subprocess.run(
            [sys.executable, "-m", "fieldsurvey", "hq", "serve", str(folder),
             "--listen", f"127.0.0.1:{port}", *options],
            capture_output=True, text=True, timeout=30, check=False, env={"LANG": "C"},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    said = {
        "port": "cannot listen",
        "certificate": "certificate",
        "folder": "no HQ",
        "mirror": "the same disk",
    }
    assert said[what] in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_when_told_even_with_idle_connections(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    (laptop,) = enrolled(home)
    with running(home, "--no-merge") as server, server.socket() as idle:
        one = laptop.seal(payload=bytes(100_000))
        idle.sendall(put_head(one, laptop.token, len(one.content)))
        idle.sendall(one.content[:500])
        server.put(laptop, laptop.seal())
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert time.monotonic() - began_s < 8
        assert b" 503 " in idle.recv(4096).split(b"\r\n")[0]


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    with running(make_home(tmp_path / "hq"), "--no-merge") as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(20) == 0


def _workers(server_pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(server_pid).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "fieldsurvey.hq.merge_worker" in process.cmdline()
    except psutil.Error:  # it has just ended
        return False


def _wait_for_worker(server_pid: int, other_than: int = 0) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in _workers(server_pid):
            if worker.pid != other_than:
                return worker
        time.sleep(0.1)
    raise AssertionError("no merge worker")


def test_the_merge_worker_lives_and_dies_with_the_server(tmp_path: Path) -> None:
    with running(make_home(tmp_path / "hq")) as server:
        worker = _wait_for_worker(server.process.pid)
        worker.kill()
        again = _wait_for_worker(server.process.pid, other_than=worker.pid)
        server.process.kill()  # no chance to tidy up
        server.process.wait()
        again.wait(20)


def test_what_lands_is_in_the_archive_soon(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    (laptop,) = enrolled(home)
    with running(home) as server:
        assert server.put(laptop, laptop.seal(60, drive_payload(60, "one"), SCHEMA)).status == 201
        ledger = home.ledger()
        deadline = time.monotonic() + 30
        while (counts := ledger.counts()).merged == 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        ledger.close()
    assert (counts.merged, counts.waiting, counts.quarantined) == (1, 0, 0)
    assert counts.archive_rows >= 60


def test_batches_become_durable_while_it_serves(tmp_path: Path) -> None:
    mirror = tmp_path / "second"
    mirror.mkdir()
    home = make_home(tmp_path / "hq", mirror=str(mirror))
    (laptop,) = enrolled(home)
    with running(home, "--no-merge") as server:
        one = laptop.seal()
        server.put(laptop, one)
        deadline = time.monotonic() + 20
        while server.state(laptop)["durable_upto"] != 0 and time.monotonic() < deadline:
            time.sleep(0.2)
    (copy,) = mirror.rglob("*.fsb")
    assert copy.read_bytes() == one.content


def test_kills_lose_and_double_nothing(tmp_path: Path, ledger_url: str) -> None:
    settings = {} if ledger_url.startswith("sqlite") else {"ledger": ledger_url}
    campaign = kill_campaign(make_home(tmp_path / "hq", **settings), kills=2, seed=4)
    assert campaign.acknowledged > 0


def test_a_postgresql_ledger_of_yesterday_is_refused_and_made_again(
    tmp_path: Path, postgres: str | None
) -> None:
    """Laptops hold receipts that yesterday's ledger does not know."""
    if postgres is None:
        pytest.skip("PostgreSQL is not installed")
    with psycopg.connect(postgres, autocommit=True) as operator:
        operator.execute("CREATE DATABASE hq_now")
        home = make_home(tmp_path / "hq", ledger=postgres.replace("/postgres?", "/hq_now?"))
        (laptop,) = enrolled(home)
        with running(home, "--no-merge") as server:
            assert server.put(laptop, laptop.seal()).status == 202
        operator.execute("CREATE DATABASE hq_yesterday TEMPLATE hq_now")
        with running(home, "--no-merge") as server:
            assert server.put(laptop, laptop.seal()).status == 202
        with open_station(home, SystemClock()) as station:
            station.log.checkpoint()  # hands out the log as it is now
        operator.execute("DROP DATABASE hq_now WITH (FORCE)")
        operator.execute("ALTER DATABASE hq_yesterday RENAME TO hq_now")
        done = subprocess.run(
            [sys.executable, "-m", "fieldsurvey", "hq", "serve", str(home.folder)],
            capture_output=True, text=True, timeout=30, check=False, env={"LANG": "C"},
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "")
        assert "hq rebuild" in done.stderr
        operator.execute("DROP DATABASE hq_now WITH (FORCE)")
        operator.execute("CREATE DATABASE hq_now")
        assert rebuild_ledger(home).adopted == 2
        with open_station(home, SystemClock()) as station:
            result = verify(station)
            assert (result.findings, result.batches) == ([], 2)
        operator.execute("DROP DATABASE hq_now WITH (FORCE)")

"""The measurement server as its operator starts it, and clients of it that behave or do not."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from fieldsurvey.model.errors import KnownError
from tests.support.honest_client import connected, read_head

ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """``fieldsurvey measure-server`` in a process of its own; its stderr goes to a file."""

    def __init__(self, errors: Path, *options: str) -> None:
        self._errors = errors.open("w", encoding="utf-8")
        self.errors_path = errors
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "fieldsurvey", "measure-server"),
                *("--listen", "127.0.0.1:0", *options),
            ],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"the server did not start: {self.errors()}")
        self.port = int(json.loads(line)["port"])
        self._info = psutil.Process(self._process.pid)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def memory_bytes(self) -> int:
        return int(self._info.memory_info().rss)

    def open_files(self) -> int:
        return int(self._info.num_fds())

    def errors(self) -> str:
        return self.errors_path.read_text(encoding="utf-8")

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def stop(self) -> int:
        self._process.terminate()
        try:
            return self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._errors.close()


@contextmanager
def server_process(folder: Path, *options: str) -> Iterator[ServerProcess]:
    server = ServerProcess(folder / "stderr", *options)
    try:
        yield server
    finally:
        ended = server.stop()
    assert ended == 0, server.errors()


async def status_of(
    port: int, request: bytes, source: str = "127.0.0.1"
) -> tuple[int, dict[str, str]]:
    """Send a head, return the answer's status and headers, and break off."""
    reader, writer = await connected(port, source)
    try:
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    finally:
        writer.transport.abort()
    return read_head(head)


def make_certificate(folder: Path, name: str = "cert") -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@contextmanager
def known_error(name: str) -> Iterator[pytest.ExceptionInfo[KnownError]]:
    """Expect the error ``measure_server.<name>``."""
    with pytest.raises(KnownError) as caught:
        yield caught
    assert caught.value.message.id == f"measure_server.{name}"
    assert not str(caught.value).startswith("["), "the text is missing"


def wait_until(true: Any, seconds: float = 10.0) -> bool:
    """Ask again and again until ``true()`` is, or the time is over."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


async def known_closed(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Return whether the other end closes within ``seconds``."""
    try:
        return await asyncio.wait_for(reader.read(4096), seconds) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True

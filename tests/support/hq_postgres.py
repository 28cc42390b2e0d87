"""A private PostgreSQL cluster for tests: Debian's binaries, a temporary folder, an unprivileged
user, a socket in that folder and no port. It is stopped by its own process id."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BINARIES = Path("/usr/lib/postgresql")
_STARTED_S = 20.0


@contextmanager
def postgres_cluster() -> Iterator[str | None]:
    """Yield the DSN of an empty database, or None where PostgreSQL is not installed."""
    binaries = sorted(_BINARIES.glob("*/bin"), key=lambda one: int(one.parent.name))
    if not binaries:
        yield None
        return
    # Short: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="fs-pg-", dir="/tmp"))
    try:
        user = _unprivileged(folder)
        data = folder / "data"
        _run(user, binaries[-1] / "initdb", "-D", data, "-A", "trust", "-U", "hq", "-E", "UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        with _server(user, binaries[-1] / "postgres", data, folder):
            yield f"postgresql://hq@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder)


@contextmanager
def fresh_database(dsn: str, name: str) -> Iterator[str]:
    """Yield the DSN of a new database in the cluster of ``dsn``; it is dropped afterwards."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield dsn.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def _server(user: str | None, binary: Path, data: Path, socket_folder: Path) -> Iterator[None]:
    arguments = ["-D", str(data), "-k", str(socket_folder), "-c", "listen_addresses="]
    with (socket_folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(binary), *arguments],
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            cwd="/",
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_ready(process, socket_folder)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    import psycopg

    deadline = time.monotonic() + _STARTED_S
    while True:
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://hq@/postgres?host={folder}").close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text())
        time.sleep(0.05)


def _unprivileged(folder: Path) -> str | None:
    """Return whom the server has to run as; it refuses root. The folder becomes theirs."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_name


def _run(user: str | None, *command: str | Path) -> None:
    subprocess.run(
        [str(part) for part in command],
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        check=True,
        capture_output=True,
        timeout=120,
    )

"""Other people's clients: installed from a lock file, run as programs, and stopped for certain."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

CLIENTS = Path(__file__).resolve().parents[1] / "contract" / "clients"
_LOCK = Path(__file__).resolve().parents[1] / "contract" / "npm"
_INSTALL_S = 60
# A browser that asks nobody but the page's own server.
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--mute-audio", "--disable-dev-shm-usage",
)  # fmt: skip


def needed(*programs: str) -> None:
    """Skip unless all programs are installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")


def install_npm_clients(folder: Path) -> Path:
    """Install the locked packages below ``folder``; return their node_modules. Skips without npm
    or without a registry."""
    needed("node", "npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_LOCK / name, folder)
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm ci did not end within {_INSTALL_S} s: no package registry here?")
    if done.returncode:
        pytest.skip(f"npm ci failed: {done.stderr.strip()[-300:]}")
    return folder / "node_modules"


def run_node(modules: Path, script: str, *arguments: str, timeout_s: float = 40) -> dict[str, Any]:
    """Run one of our scripts with the installed packages; return the JSON it prints."""
    environment = {**os.environ, "NODE_PATH": str(modules)}
    return _run(["node", str(CLIENTS / script), *arguments], environment, timeout_s)


def run_python(script: str, *arguments: str, timeout_s: float = 40) -> dict[str, Any]:
    """Run one of our scripts with this interpreter; return the JSON it prints."""
    return _run([sys.executable, str(CLIENTS / script), *arguments], os.environ, timeout_s)


def _run(words: list[str], environment: Mapping[str, str], timeout_s: float) -> dict[str, Any]:
    done = subprocess.run(
        words, env=dict(environment), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


class _PageHandler(BaseHTTPRequestHandler):
    """Serves named files and takes the one result that a page posts."""

    def __init__(
        self, files: Mapping[str, Path], results: list[bytes], done: threading.Event, *rest: Any
    ) -> None:
        self._files, self._results, self._done = files, results, done
        super().__init__(*rest)

    def do_GET(self) -> None:
        file = self._files.get(self.path.partition("?")[0])
        self.send_response(200 if file else 404)
        kind = "text/javascript" if file is not None and file.suffix == ".js" else "text/html"
        self.send_header("Content-Type", kind)
        self.end_headers()
        if file is not None:
            self.wfile.write(file.read_bytes())

    def do_POST(self) -> None:
        self._results.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self._done.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


def run_page(
    files: Mapping[str, Path], query: str, profile: Path, timeout_s: float
) -> dict[str, Any]:
    """Open the page "/" of ``files`` in headless Chromium; return the JSON that it posts."""
    results: list[bytes] = []
    done = threading.Event()
    handler = partial(_PageHandler, files, results, done)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        try:
            with _chromium(profile, f"http://127.0.0.1:{pages.server_port}/?{query}") as log:
                assert done.wait(timeout_s), f"no result from the page; {log.read_text()[-2000:]}"
        finally:
            pages.shutdown()
            thread.join()
    told: dict[str, Any] = json.loads(results[0])
    return told


@contextmanager
def _chromium(profile: Path, url: str) -> Iterator[Path]:
    log = profile / "said.txt"
    with log.open("wb") as said:
        browser = subprocess.Popen(
            ["chromium", *_QUIET, f"--user-data-dir={profile}", url], stdout=said, stderr=said
        )
    family = psutil.Process(browser.pid)
    try:
        yield log
    finally:
        members = [*family.children(recursive=True), family]
        for member in members:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        browser.wait(10)
        psutil.wait_procs(members, timeout=10)

"""The page for operators: readable without a script, by those it is for, in three languages."""

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.hq.status_page import status_page
from tests.support.hq_server import Server, enrolled, make_home, running
from tests.support.hq_values import Laptop

NOW_UTC_US = 1_760_000_000_000_000
BROWSER = "chromium"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(make_home(tmp_path_factory.mktemp("hq") / "hq"), "--no-merge") as one:
        yield one


@pytest.fixture(scope="module")
def operator_token(server: Server) -> str:
    ledger = server.home.ledger()
    try:
        now_utc_us = time.time_ns() // 1000
        code = ledger.devices.new_code("operator", 1.0, now_utc_us)
        _, token = ledger.devices.enrol(code, Laptop().public_key, now_utc_us)
    finally:
        ledger.close()
    return token


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}


def test_it_is_for_operators_only(server: Server, operator_token: str) -> None:
    (laptop,) = enrolled(server.home)
    stranger = server.ask("GET", "/status")
    assert stranger.status == 401
    assert "Basic" in stranger.headers["www-authenticate"]
    assert server.ask("GET", "/status", headers=basic("wrong")).status == 401
    assert server.ask("GET", "/status", headers=basic(laptop.token)).status == 403
    page = server.ask("GET", "/status", headers=basic(operator_token))
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert laptop.device in page.body.decode()


@pytest.mark.parametrize(
    ("wanted", "word"),
    [("ru-RU,ru;q=0.9", "Штаб"), ("kk", "штабы"), ("de,en;q=0.5", "Headquarters"), ("", "Headq")],
)
def test_it_speaks_the_browsers_language(
    server: Server, operator_token: str, wanted: str, word: str
) -> None:
    headers = basic(operator_token) | {"Accept-Language": wanted}
    assert f"<h1>{word}" in server.ask("GET", "/status", headers=headers).body.decode() or (
        f"{word}</h1>" in server.ask("GET", "/status", headers=headers).body.decode()
    )


def test_what_others_wrote_is_text_and_never_markup() -> None:
    document = {
        "server": "<script>",
        "counts": dict.fromkeys(
            ("batches", "rows", "waiting", "merged", "quarantined", "conflicts", "unmirrored",
             "archive_rows", "archive_files", "archive_bytes"), 0
        ),
        "log": {"checkpoint": "<b>", "log_size": 0, "free_bytes": 0},
        "devices": [],
    }  # fmt: skip
    bad = {"device": "<i>", "epoch": "<u>", "batch_no": 1, "rows": 2, "code": "<s>", "detail": "&"}
    page = status_page(document, [bad], "en", NOW_UTC_US)
    for tag in ("<script", "<b>", "<i>", "<u>", "<s>"):
        assert tag not in page
    assert "&lt;s&gt;: &amp;" in page


@pytest.mark.skipif(shutil.which(BROWSER) is None, reason="Chromium is not installed")
def test_a_browser_shows_it_without_a_script(
    server: Server, operator_token: str, tmp_path: Path
) -> None:
    laptop = enrolled(server.home)[0]
    server.put(laptop, laptop.seal())
    url = f"http://me:{operator_token}@127.0.0.1:{server.port}/status"
    page = browse(tmp_path, "--dump-dom", url)
    assert laptop.device in page
    assert "test/1" in page, "why a batch was set aside"
    assert "<script" not in page
    picture = tmp_path / "status.png"
    browse(tmp_path, f"--screenshot={picture}", url)
    assert picture.stat().st_size > 10_000


def browse(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", f"--user-data-dir={folder / 'profile'}", "--window-size=1100,1000"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout

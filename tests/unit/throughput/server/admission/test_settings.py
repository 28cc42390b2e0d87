"""What an operator can write, and what is refused before anything listens."""

from dataclasses import fields
from pathlib import Path

import pytest

from fieldsurvey.cli.measure_server import command
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.log import Addresses
from fieldsurvey.throughput.server.settings import Settings, Sister, make_settings, read_settings
from tests.support.headless import run_cli
from tests.support.measure_server import known_error


def test_a_file_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text(
        """
        listen = "0.0.0.0:443"
        log_addresses = "none"
        token_s = 60
        tests = 8
        seconds = 12
        bytes_per_test = 100_000_000
        [[sisters]]
        url = "https://two.example"
        city = "Astana"
        """,
        encoding="utf-8",
    )
    settings = make_settings(read_settings(path))
    assert settings == Settings(
        listen="0.0.0.0:443",
        log_addresses=Addresses.NONE,
        token_s=60.0,
        sisters=(Sister("https://two.example", "Astana"),),
        limits=Limits(tests=8, seconds=12.0, bytes_per_test=100_000_000),
    )


def test_without_anything_all_is_as_documented() -> None:
    assert make_settings({}) == Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("tets = 8", "tets"),
        ("[limits]\ntests = 8", "limits"),
        ('[[sisters]]\nurl = "https://a"\ntown = "b"', "sisters.town"),
    ],
)
def test_unknown_keys_are_refused(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    with known_error("config_unknown_key") as caught:
        read_settings(path)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"tests": 0},
        {"tests": "8"},
        {"tests": 8.5},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"token_s": 0},
        {"clock_skew_s": -1},
        {"log_addresses": "some"},
        {"tls_cert": "cert.pem"},
        {"public_url": "kz-1.example"},
        {"public_url": "http://a:b"},
        {"sisters": [{"url": "ftp://a"}]},
        {"sisters": 5},
        {"sisters": [{}]},
    ],
)
def test_values_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with known_error("bad_setting"):
        make_settings(given)


@pytest.mark.parametrize("content", [b"\xff", b"tests = ", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "server.toml"
    if content is not None:
        path.write_bytes(content)
    with known_error("config_unreadable"):
        read_settings(path)


@pytest.mark.parametrize("content", [b"", b"short\n", None])
def test_a_token_key_that_protects_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with known_error("bad_token_key"):
        Settings(token_key=str(path)).secret()


def test_every_setting_is_an_option_of_the_command() -> None:
    options = {parameter.name for parameter in command.params}
    names = {one.name for one in (*fields(Settings), *fields(Limits))}
    assert options == names - {"limits", "sisters"} | {"config", "until_stdin_closes"}


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('listen = "127.0.0.1:0"\n', encoding="utf-8")
    done = run_cli("measure-server", "--config", str(path), "--tests", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "tests <= 0" in done.stderr
    assert "Traceback" not in done.stderr

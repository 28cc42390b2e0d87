"""Every command: help, a line in the README, and what it does on real files."""

import json
import os
import signal
from pathlib import Path

import click
import pytest

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.cli.main import COMMANDS, cli
from tests.support.headless import (
    ROOT,
    measurement_server,
    run_cli,
    run_json,
    start_drive,
)
from tests.support.route import write_route


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands must not touch the user's own files."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {part}", inner) for part, inner in command.commands.items()]
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: str(value)[:30])
def test_every_command_has_help_and_a_line_in_the_readme(name: str, command: click.Command) -> None:
    assert command.help
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first, *rest = name.split()
    line = next(line for line in readme.splitlines() if line.startswith(f"| `fieldsurvey {first}`"))
    assert all(f"`{part}`" in line for part in rest)


def test_help_is_shown_and_wrong_usage_exits_with_2() -> None:
    assert run_cli("--help").returncode == 0
    wrong = run_cli("export")
    assert wrong.returncode == 2
    assert "Usage" in wrong.stderr


def test_known_errors_are_one_line_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    done = run_cli("survey", "info", str(tmp_path / "none.fsurvey"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "none.fsurvey" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_speak_the_users_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ru")
    done = run_cli("drive", "--headless", "--position", "pigeon:")
    assert done.returncode == 1
    assert "сервер" in done.stderr


def test_measure_says_above_and_as_json() -> None:
    with measurement_server() as url:
        document = run_json("measure", "--server", url, "--json")
        spoken = run_cli("measure", "--server", url, "--mode", "ping")
    assert document["measurement"]["outcome"] == "completed"  # type: ignore[index]
    assert spoken.returncode == 0


def test_measure_names_the_cause() -> None:
    done = run_cli("measure", "--server", "http://127.0.0.1:1")
    assert done.returncode == 0
    assert "refused" in done.stdout


def test_measure_takes_what_it_is_given() -> None:
    with measurement_server() as url:
        document = run_json(
            *("measure", "--server", url, "--json", "--connections", "2", "--layer", "goodput"),
            *("--target", "5", "--upload"),
        )
    phases = {phase["kind"]: phase for phase in document["measurement"]["phases"]}  # type: ignore[index]
    assert phases["download"]["connections"] == phases["upload"]["connections"] == 2
    assert document["judgement"]["target"]["layer"] == "goodput"  # type: ignore[index]
    assert {"self_check", "ip_version", "tls", "pace_bps"} <= set(document["measurement"])  # type: ignore[call-overload]


def test_measure_asks_no_public_server_by_itself() -> None:
    done = run_cli(
        "measure", "--server", "https://speed.cloudflare.com", "--protocol", "cloudflare"
    )
    assert done.returncode == 1
    assert "--public-server" in done.stderr


def test_measure_wants_certificates_that_are_there(tmp_path: Path) -> None:
    done = run_cli("measure", "--server", "https://127.0.0.1:1", "--ca", "/nowhere.pem")
    assert done.returncode == 2
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing to trust", encoding="utf-8")
    done = run_cli("measure", "--server", "https://127.0.0.1:1", "--ca", str(empty))
    assert done.returncode == 1
    assert "empty.pem" in done.stderr


def test_an_unknown_protocol_is_refused_before_anything_starts(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    assert run_cli("measure", "--server", url, "--protocol", "pigeon").returncode == 2
    plan = tmp_path / "plan.toml"
    plan.write_text('protocol = "pigeon"\n', encoding="utf-8")
    route = write_route(tmp_path / "route.nmea", seconds=5)
    done = run_cli(
        *("drive", "--headless", "--survey", str(tmp_path / "a.fsurvey")),
        *("--position", f"replay:{route}", "--server", url, "--plan", str(plan)),
    )
    assert done.returncode == 1
    assert "speedtest-cli" in done.stderr
    assert not (tmp_path / "a.fsurvey").exists()


def test_measure_server_refuses_a_wrong_address() -> None:
    assert run_cli("measure-server", "--listen", "nowhere").returncode == 2


def test_measure_server_logs_every_test(tmp_path: Path) -> None:
    data = tmp_path / "log"
    arguments = ("measure-server", "--listen", "127.0.0.1:0", "--data", str(data))
    with ChildProcess("fieldsurvey", *arguments) as server:
        run_json("measure", "--server", f"http://127.0.0.1:{server.ready_port()}", "--json")
    lines = (data / "measure-server.log").read_text(encoding="utf-8").splitlines()
    assert [set(json.loads(line)["loads"]) for line in lines] == [{"throughput1-download"}]


def test_places_import_and_info(tmp_path: Path) -> None:
    source = ROOT / "resources" / "demo" / "places.geojson"
    output = tmp_path / "demo.places"
    assert run_cli("places", "import", str(source), "-o", str(output)).returncode == 0
    told = run_cli("places", "info", str(output))
    assert "2 highways" in told.stdout


def test_drive_survey_and_export(tmp_path: Path) -> None:
    route = write_route(tmp_path / "route.nmea", seconds=60)
    path = tmp_path / "a.fsurvey"
    with measurement_server() as url:
        process = start_drive(path, f"replay:{route}?speed=20", url, "--json")
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["samples"] >= 55
    assert summary["tests"] >= 1
    assert run_json("survey", "info", str(path), "--json") == summary
    assert run_cli("survey", "check", str(path)).returncode == 0
    for name in ("gpx", "csv"):
        output = tmp_path / f"a.{name}"
        assert run_cli("export", str(path), "--format", name, "-o", str(output)).returncode == 0
        assert output.stat().st_size > 0


def test_ctrl_c_stops_a_headless_drive_cleanly(tmp_path: Path) -> None:
    route = write_route(tmp_path / "route.nmea", seconds=3600)
    path = tmp_path / "a.fsurvey"
    with measurement_server() as url:
        process = start_drive(path, f"replay:{route}?speed=10", url, "--json")
        assert process.stderr is not None
        for line in process.stderr:
            if "Mbps" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert json.loads(out)["tests"] >= 1
    assert run_cli("survey", "check", str(path)).returncode == 0


def test_survey_check_finds_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    path.write_bytes(os.urandom(10_000))
    done = run_cli("survey", "check", str(path))
    assert done.returncode == 1
    assert done.stderr


def test_doctor_reports_versions() -> None:
    done = run_cli("doctor", "--json")
    facts = json.loads(done.stdout)
    assert facts["sqlite"] >= "3.51.3"
    assert done.returncode == (1 if facts["qt_advice"] else 0)


def test_starting_without_a_server_says_what_to_do() -> None:
    done = run_cli("drive", "--headless", "--position", "replay:x.nmea")
    assert done.returncode == 1
    assert "--server" in done.stderr

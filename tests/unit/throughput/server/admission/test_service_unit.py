"""The systemd unit: systemd itself has nothing against it, and its command line exists."""

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fieldsurvey.cli.measure_server import command
from tests.support.measure_server import ROOT

UNIT = ROOT / "packaging" / "fieldsurvey-measure-server.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser["Service"]


def test_the_command_line_is_one_that_the_command_takes(
    service: configparser.SectionProxy,
) -> None:
    program, name, *rest = shlex.split(service["ExecStart"])
    assert Path(program).name == "fieldsurvey"
    assert name == "measure-server"
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
    assert f"/var/log/{service['LogsDirectory']}" in rest


def test_it_may_do_little(service: configparser.SectionProxy) -> None:
    for switch in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateDevices"):
        assert service[switch] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert int(service["LimitNOFILE"]) > 4_096 + 100
    assert service["MemoryMax"]
    assert service["Restart"] == "on-failure"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_has_nothing_against_it(tmp_path: Path) -> None:
    """With a program that is there in place of the one that an installation would have."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("/usr/bin/fieldsurvey", sys.executable)
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")

"""The systemd unit of HQ: systemd has nothing against it, and its command line exists."""

import configparser
import getpass
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fieldsurvey.hq.command import serve

UNIT = Path(__file__).parents[3] / "packaging" / "fieldsurvey-hq.service"


def test_the_command_line_is_one_that_the_command_takes() -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    service = parser["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "fieldsurvey"
    assert words[:2] == ["hq", "serve"]
    assert words[2] == f"/var/lib/{service['StateDirectory']}"
    known = {option for parameter in serve.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_has_nothing_against_it(tmp_path: Path) -> None:
    """With a program and a user that are there, in place of those of an installation."""
    text = UNIT.read_text(encoding="utf-8").replace("/usr/bin/fieldsurvey", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("User=fieldsurvey", f"User={getpass.getuser()}"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")

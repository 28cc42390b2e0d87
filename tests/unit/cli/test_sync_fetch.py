"""``sync fetch``, ``hq publish`` and what ``sync`` tells of it, as they are typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.drive.plan_file import load_plan, plan_text
from fieldsurvey.hq.command import command as hq_command
from fieldsurvey.model.drive import PlannedStretch, SurveyPlan
from fieldsurvey.sync.profile import Profile
from tests.support.hq_archive import DAY_US, enrol_as, enrolment_of, frame, put_into
from tests.support.hq_server import Server, make_home, running
from tests.support.hq_values import Laptop
from tests.support.sync_survey import make_survey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(make_home(tmp_path_factory.mktemp("hq") / "hq"), "--no-merge") as one:
        yield one


def run(*words: object) -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language="en")
    group = hq_command if words[0] == "hq" else cli
    arguments = words[1:] if words[0] == "hq" else words
    return CliRunner().invoke(group, [str(word) for word in arguments], obj=shell)


def profile_of(server: Server, folder: Path, role: str) -> Path:
    one = Laptop()
    profile = Profile(folder / role)
    one.key = profile.make_key()
    enrol_as(server.home, one, role)
    profile.enrol(enrolment_of(server, one), 1)
    return profile.path


def test_a_supervisor_fetches(server: Server, tmp_path: Path) -> None:
    drive = {"drive_id": "one", "ts_utc_us": 20_000 * DAY_US, "plan_name": "north"}
    (file,) = put_into(server.home, {"drives": frame("drives", [drive])})
    profile = profile_of(server, tmp_path, "supervisor")
    asked = ("--campaign", "north", "--area", "66,42,70,45.5", "--from", "2024-01-01")
    out = tmp_path / "archive"
    done = run("sync", "fetch", *asked, "-o", out, "--json", "--profile", profile)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [one["sha256"] for one in document["files"]] == [file.sha256]
    assert (out / document["files"][0]["path"]).stat().st_size == file.bytes
    assert "1 came" in done.stderr
    for wrong in (("--area", "1,2,3"), ("--area", "9,0,1,1"), ("--from", "2026-13-01")):
        assert run("sync", "fetch", *wrong, "-o", out, "--profile", profile).exit_code == 2


def test_what_is_published_is_offered(server: Server, tmp_path: Path) -> None:
    plan, folder = tmp_path / "North.toml", server.home.folder
    stretches = (PlannedStretch("KZ38-01", 40_000, 50_000, 7),)
    asked = SurveyPlan(name="north", stretches=stretches)
    plan.write_text(plan_text(asked, []), encoding="utf-8")
    assert "version 1" in run("hq", "publish", folder, plan, "--kind", "plan").stderr
    assert "already" in run("hq", "publish", folder, plan, "--kind", "plan").stderr
    refused = run("hq", "publish", folder, plan, "--kind", "targets")
    assert refused.exit_code == 1
    profile = profile_of(server, tmp_path, "device")
    survey = tmp_path / "a.fsurvey"
    make_survey(survey, rows=3).close()
    sent = run("sync", "now", survey, "--profile", profile)
    offered = profile / "issued" / "plans" / "north.toml"
    assert f"version 1: {offered}" in sent.stderr
    assert offered.read_bytes() == plan.read_bytes()
    assert load_plan(offered) == asked
    shown = run("sync", "status", survey, "--json", "--profile", profile)
    (document,) = json.loads(shown.stdout)["issued"]["documents"]
    assert document == {"kind": "plan", "name": "north", "version": 1, "path": str(offered)}
    assert str(offered) in run("sync", "status", "--profile", profile).stdout

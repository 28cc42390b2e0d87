"""The last part of the demo: a headquarters on this computer receives what was driven.

HQ runs as processes of its own, as it would on a server; the laptop's side is that of ``fieldsurvey
sync``.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.cli.shell import Shell
from fieldsurvey.cli.sync import enrol_at, send_survey
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.profile import Profile
from fieldsurvey.wire.receipt import Receipt

MERGE_TIMEOUT_S = 60.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Synced:
    """``batches`` were sealed; HQ signed for ``receipts``; its archive has ``archive_rows``."""

    batches: int
    receipts: tuple[Receipt, ...]
    archive_rows: int


def sync_demo(shell: Shell, hq: Path, profile: Profile, survey_path: Path) -> Synced:
    """Make an HQ in the folder ``hq``, enrol, send the survey, wait until it is in the archive."""
    _hq("init", str(hq), "--single-disk")
    with ChildProcess(
        *("fieldsurvey", "hq", "serve", str(hq), "--listen", "127.0.0.1:0", "--ready-json"),
        "--until-stdin-closes",
    ) as server:
        url = f"http://127.0.0.1:{server.ready_port()}"
        code = _hq("enrol", str(hq)).strip()
        asyncio.run(enrol_at(url, code, profile))
        shell.tell("cli.demo_syncs", path=hq)
        progress = asyncio.run(send_survey(shell, survey_path, profile))
        if not progress.complete:
            raise KnownError("cli.demo_not_synced", rows=progress.recorded_rows)
        archive_rows = _wait_for_archive(lambda: _hq("status", str(hq), "--json"))
    with SurveyFile.open(survey_path, read_only=True) as survey:
        receipts = tuple(signed.receipt for signed in Outbox(survey).receipts())
    return Synced(progress.batches, receipts, archive_rows)


def _wait_for_archive(status: Callable[[], str]) -> int:
    give_up_s = time.monotonic() + MERGE_TIMEOUT_S
    while True:
        counts = json.loads(status())["counts"]
        if counts["waiting"] == 0:
            return int(counts["archive_rows"])
        if time.monotonic() > give_up_s:
            raise KnownError("cli.demo_not_merged", batches=counts["waiting"])
        time.sleep(_LOOK_S)


def _hq(*arguments: str) -> str:
    """Run a command of HQ and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "fieldsurvey", "hq", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        name = f"hq {arguments[0]}"
        raise KnownError("cli.child_failed", name=name, line=done.stderr.strip())
    return done.stdout

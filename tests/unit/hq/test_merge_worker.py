"""The merge as a process of its own: it keeps up, ends when told, and survives being killed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldsurvey.hq.home import Home, Settings, init_home
from tests.support.merge_hq import (
    DEVICES,
    EPOCHS,
    SmallHq,
    cut,
    shuffled,
    small_drive,
    troubled_fleet,
)

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "hq", Settings("hq.example"))


def worker(home: Home, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fieldsurvey.hq.merge_worker", "--data", str(home.folder), *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until_merged(small: SmallHq) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while small.ledger.counts().waiting:
        assert time.monotonic() < give_up_s, "not merged"
        time.sleep(0.05)


def test_killed_again_and_again_it_comes_to_the_same(home: Home, tmp_path: Path) -> None:
    batches = shuffled(troubled_fleet(), 9)
    plainly = SmallHq.create(tmp_path / "plainly")
    plainly.land(batches)
    plainly.merge()
    small = SmallHq(home.folder, home.ledger())
    chance = random.Random(4)
    try:
        for start in range(0, len(batches), 4):
            small.land(batches[start : start + 4])
            process = worker(home, "--once")
            try:
                process.wait(chance.uniform(0.5, 2.5))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()
        last = worker(home, "--once")
        last.communicate(timeout=WAIT_S)
        assert last.returncode == 0
        assert small.ledger.counts().waiting == 0
        assert small.tables() == plainly.tables()
    finally:
        small.ledger.close()
        plainly.ledger.close()


def test_it_keeps_up_and_ends_with_its_parent(home: Home) -> None:
    small = SmallHq(home.folder, home.ledger())
    process = worker(home, "--until-stdin-closes")
    try:
        for batch in cut(small_drive(1), [20, 99], DEVICES[0], EPOCHS[0]):
            small.land([batch])
            wait_until_merged(small)
        process.communicate(timeout=WAIT_S)  # closes its stdin
        assert process.returncode == 0
        assert len(small.table("samples")) > 0
    finally:
        process.kill()
        process.wait()
        small.ledger.close()


def test_it_ends_when_told(home: Home) -> None:
    process = worker(home)
    try:
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
        assert process.returncode in (0, -signal.SIGTERM)  # the latter before it listens
    finally:
        process.kill()
        process.wait()


def test_without_an_hq_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fieldsurvey.hq.merge_worker", "--data", str(tmp_path), "--once"],
        cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "There is no HQ in" in done.stderr

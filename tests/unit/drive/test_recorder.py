"""Rows wait for the disk in order, reach it once, and are shown only then."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from fieldsurvey.drive import recorder as recorder_module
from fieldsurvey.drive.recorder import Batch, Recorder
from fieldsurvey.drive.rescue import rescue
from fieldsurvey.model.drive import Drive, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message
from fieldsurvey.store.store_thread import StoreThread
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.drive_values import START_UTC_US, a_failed_test, a_fix, a_sample

DRIVE = Drive("d1", START_UTC_US, SurveyPlan(), "replay:x", "none:", "0.1.0", replayed=True)


class BrokenDisk:
    """A store thread whose first ``failures`` commits meet a full disk."""

    def __init__(self, store: StoreThread, failures: int) -> None:
        self.store, self.failures = store, failures

    def submit(self, work: Callable[[SurveyFile], Any]) -> Future[Any]:
        if self.failures:
            self.failures -= 1
            future: Future[Any] = Future()
            future.set_exception(KnownError("store.disk_full", path="x"))
            return future
        return self.store.submit(work)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreThread]:
    thread = StoreThread(tmp_path / "a.fsurvey")
    thread.submit(lambda survey: survey.begin_drive(DRIVE)).result()
    yield thread
    thread.close()


@pytest.fixture(autouse=True)
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_S", 0.01)


async def record(store: Any, seconds: int) -> tuple[list[Batch], list[Message | None]]:
    committed: list[Batch] = []
    trouble: list[Message | None] = []
    refused: list[Message] = []
    recorder = Recorder(store, "d1", committed.append, trouble.append, refused.append)
    task = asyncio.create_task(recorder.run())
    for second in range(seconds):
        recorder.add(fixes=[a_fix(second)], sample=a_sample(second, fix=a_fix(second)))
        await asyncio.sleep(0)
    recorder.add(test=a_failed_test())
    assert await recorder.flush(5.0)
    assert recorder.waiting == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert refused == []
    return committed, trouble


def stored_seconds(store: StoreThread) -> list[int]:
    samples = store.submit(lambda survey: list(survey.samples())).result()
    return [sample.mono_us // 1_000_000 for sample in samples]


def test_every_row_once_and_in_order(store: StoreThread) -> None:
    committed, trouble = asyncio.run(record(store, 50))
    assert stored_seconds(store) == list(range(50))
    assert sum(len(batch.samples) for batch in committed) == 50
    assert trouble == []


def test_a_full_disk_delays_but_loses_and_doubles_nothing(store: StoreThread) -> None:
    committed, trouble = asyncio.run(record(BrokenDisk(store, 3), 50))
    assert stored_seconds(store) == list(range(50))
    assert [len(batch.tests) for batch in committed if batch.tests] == [1]
    assert [item.id if item else None for item in trouble] == ["store.disk_full"] * 3 + [None]


def test_flush_says_when_rows_still_wait(store: StoreThread) -> None:
    async def flush() -> tuple[bool, int]:
        recorder = Recorder(
            BrokenDisk(store, 10**9),  # type: ignore[arg-type] # stands in for the thread
            "d1",
            lambda _: None,
            lambda _: None,
            lambda _: None,
        )
        task = asyncio.create_task(recorder.run())
        recorder.add(sample=a_sample(0))
        flushed = await recorder.flush(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return flushed, len(recorder.leftovers())

    assert asyncio.run(flush()) == (False, 1)


def test_rescue_puts_leftovers_into_a_survey_of_their_own(tmp_path: Path) -> None:
    batch = Batch(samples=[a_sample(0), a_sample(1)], tests=[a_failed_test()])
    taken = tmp_path / "not a folder"
    taken.write_text("")
    text = rescue(batch, DRIVE, tmp_path / "a.fsurvey", [None, taken, tmp_path / "other"])
    assert text.id == "drive.rescued"
    with SurveyFile.open(tmp_path / "other" / "a-rescued.fsurvey", read_only=True) as survey:
        assert len(list(survey.samples())) == 2
        assert survey.drives()[0].drive_id == "d1"

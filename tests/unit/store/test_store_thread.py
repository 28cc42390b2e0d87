"""All work on the file happens in one thread, in order; trouble travels in the future."""

import threading
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.driver import DatabaseError
from fieldsurvey.store.store_thread import StoreThread
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_mounts import read_only, tiny_disk
from tests.support.store_values import a_drive, a_sample, a_test


@pytest.fixture
def store(tmp_path: Path):
    opened = StoreThread(tmp_path / "a.fsurvey")
    opened.submit(lambda survey: survey.begin_drive(a_drive("d1"))).result()
    yield opened
    opened.close()


def append(number: int):
    def work(survey: SurveyFile) -> int:
        survey.append("d1", samples=[a_sample(number)])
        return number

    return work


def test_work_is_done_in_order_in_one_thread(store: StoreThread) -> None:
    futures = [store.submit(append(n)) for n in range(50)]
    names = {store.submit(lambda _: threading.current_thread().name).result() for _ in range(5)}
    assert [future.result() for future in futures] == list(range(50))
    assert len(names) == 1
    assert names.pop().startswith("store")
    samples = store.submit(lambda survey: list(survey.samples())).result()
    assert samples == [a_sample(n) for n in range(50)]
    assert store.notice is None


def test_close_finishes_what_was_submitted(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    store = StoreThread(path)
    store.submit(lambda survey: survey.begin_drive(a_drive("d1")))
    futures = [store.submit(append(n)) for n in range(20)]
    store.close()
    store.close()
    assert all(future.done() for future in futures)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fsurvey"]
    assert SurveyFile.summary_of(path).samples == 20
    with pytest.raises(RuntimeError):
        store.submit(append(21))


def test_bugs_travel_too_and_leave_no_transaction(store: StoreThread) -> None:
    def careless(survey: SurveyFile) -> None:
        survey.connection.execute("BEGIN")
        survey.connection.execute("INSERT INTO sample (seq) VALUES (1)")

    with pytest.raises(DatabaseError):
        store.submit(careless).result()
    assert store.submit(append(1)).result() == 1
    with pytest.raises(ZeroDivisionError):
        store.submit(lambda _: 1 / 0).result()
    assert store.submit(lambda survey: survey.check()).result() == []


def test_opens_beside_an_unusable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    path.write_text("not a survey")
    store = StoreThread(path)
    store.close()
    assert store.path == tmp_path / "a-2.fsurvey"
    assert store.notice is not None
    assert path.read_text() == "not a survey"


def test_in_use(store: StoreThread) -> None:
    with pytest.raises(KnownError) as caught:
        StoreThread(store.path)
    assert caught.value.message.id == "store.in_use"


def test_read_only_folder(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with read_only(stick):
        with pytest.raises(KnownError) as caught:
            StoreThread(stick / "a.fsurvey")
        assert caught.value.message.id == "store.read_only"


def test_disk_full_and_again(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", 640) as disk:
        store = StoreThread(disk / "a.fsurvey")
        try:
            store.submit(lambda survey: survey.begin_drive(a_drive("d1"))).result()
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(300_000))
            tests = [a_test(n) for n in range(200)]
            future = store.submit(lambda survey: survey.append("d1", tests=tests))
            with pytest.raises(KnownError) as caught:
                future.result()
            assert caught.value.message.id == "store.disk_full"
            assert store.submit(lambda survey: survey.summary().tally.tests).result() == 0
            ballast.unlink()
            few = tests[:20]
            store.submit(lambda survey: survey.append("d1", tests=few)).result()
            assert store.submit(lambda survey: list(survey.tests())).result() == few
        finally:
            store.close()

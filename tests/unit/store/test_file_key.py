"""Encrypted survey files: nothing can be read without the key, and with it they are whole."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store import file_key
from fieldsurvey.store.decrypt import decrypt
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.file_keys import Keys
from tests.support.store_kill import kill_campaign
from tests.support.store_values import a_drive, a_sample, a_test, an_event

KEY = bytes(range(32))
WORDS = ("Алатау".encode(), "Қордай".encode(), b"CREATE TABLE", b"SQLite format 3")
PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.fsurvey"


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Whoever makes a survey in the test makes an encrypted one."""
    with file_key.asking(keys := Keys(KEY)):
        yield keys


def record(survey: SurveyFile, first: int = 0) -> None:
    survey.begin_drive(a_drive(f"drive-{first}"))
    seconds = range(first, first + 60)
    survey.append(
        f"drive-{first}",
        samples=[a_sample(second) for second in seconds],
        events=[an_event(second) for second in seconds],
        tests=[a_test(first)],
    )


def make(path: Path) -> None:
    with SurveyFile.create(path) as survey:
        record(survey)


def refused(path: Path, *, read_only: bool = True) -> str:
    with pytest.raises(KnownError) as caught:
        SurveyFile.open(path, read_only=read_only)
    assert not str(caught.value).startswith("[")
    return caught.value.message.id


def words_in(folder: Path) -> set[bytes]:
    """Which of the words any file of the folder holds in clear."""
    return {word for file in folder.iterdir() for word in WORDS if word in file.read_bytes()}


def test_nothing_can_be_read_in_the_file_nor_in_its_log(path: Path, keys: Keys) -> None:
    with SurveyFile.create(path) as survey:
        record(survey)
        log = path.with_name(path.name + "-wal")
        assert log.stat().st_size > 10_000
        assert words_in(path.parent) == set()
    assert words_in(path.parent) == set()
    assert path.read_bytes()[: len(file_key.MARK)] == file_key.MARK
    # What is looked for is really in there.
    with file_key.asking(Keys()):
        make(path.with_name("plain.fsurvey"))
    assert words_in(path.parent) == set(WORDS)


def test_what_was_recorded_is_read_beside_the_recorder_and_afterwards(
    path: Path, keys: Keys
) -> None:
    with SurveyFile.create(path) as survey:
        record(survey)
        assert SurveyFile.summary_of(path).samples == 60
        record(survey, 100)
    with SurveyFile.open(path) as survey:
        record(survey, 200)
        assert survey.check() == []
        assert list(survey.samples("drive-0")) == [a_sample(second) for second in range(60)]
    assert SurveyFile.summary_of(path).drives == 3


@pytest.mark.parametrize("others", [(), (bytes(32), b"\xff" * 32)], ids=["no key", "wrong keys"])
def test_without_its_key_it_is_left_alone_and_recording_goes_on_beside(
    path: Path, keys: Keys, others: tuple[bytes, ...]
) -> None:
    make(path)
    before = path.read_bytes()
    with file_key.asking(Keys(None, others)):
        assert refused(path) == refused(path, read_only=False) == "store.locked"
        survey, notice = SurveyFile.open_or_beside(path)
        survey.close()
    assert notice is not None
    assert "FIELDSURVEY_FILE_KEY" in notice.text("kk")
    assert survey.path.name == "a-2.fsurvey"
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["a-2.fsurvey", "a.fsurvey"]


def test_an_older_key_opens_what_it_made(path: Path, keys: Keys) -> None:
    make(path)
    with file_key.asking(Keys(bytes(32), (b"\1" * 32, KEY))), SurveyFile.open(path) as survey:
        record(survey, 100)
    assert SurveyFile.summary_of(path).drives == 2


def test_plain_files_stay_plain(path: Path) -> None:
    make(path)
    with file_key.asking(Keys(KEY)), SurveyFile.open(path) as survey:
        record(survey, 100)
    assert path.read_bytes().startswith(b"SQLite format 3\0")
    assert SurveyFile.summary_of(path).drives == 2


class Locked:
    """A keyring that lets nobody in."""

    def for_new_file(self) -> bytes | None:
        raise KnownError("sync.file_key_missing")

    def known(self) -> tuple[bytes, ...]:
        raise KnownError("sync.file_key_missing")


def test_a_key_that_cannot_be_had_is_told_only_where_one_is_needed(
    path: Path, keys: Keys, tmp_path: Path
) -> None:
    make(path)
    foreign = tmp_path / "foreign.fsurvey"
    foreign.write_bytes(os.urandom(8 * PAGE_BYTES))
    with file_key.asking(Keys()):
        make(tmp_path / "plain.fsurvey")
    with file_key.asking(Locked()):
        assert refused(path) == "sync.file_key_missing"
        assert refused(foreign) == "store.foreign"
        assert SurveyFile.summary_of(tmp_path / "plain.fsurvey").drives == 1
        with pytest.raises(KnownError):
            SurveyFile.open_or_beside(tmp_path / "new.fsurvey")
        # Never in clear instead.
        assert not (tmp_path / "new.fsurvey").exists()
    assert refused(foreign) == "store.foreign"


@pytest.mark.parametrize("page", [1, 6])
def test_a_changed_byte_is_found(
    path: Path, keys: Keys, page: int, capfd: pytest.CaptureFixture[str]
) -> None:
    make(path)
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE_BYTES + 500] ^= 1
    path.write_bytes(content)
    expected = "store.locked" if page == 1 else "store.damaged"
    assert refused(path, read_only=False) == expected
    assert capfd.readouterr().err == ""


def test_two_files_of_one_key_share_nothing(path: Path, keys: Keys) -> None:
    second = path.with_name("b.fsurvey")
    for one in (path, second):
        SurveyFile.create(one).close()
    pages = [
        {content[start : start + 64] for start in range(0, len(content), 64)}
        for content in (path.read_bytes(), second.read_bytes())
    ]
    assert pages[0].isdisjoint(pages[1])


def test_what_was_committed_survives_kills(
    path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDSURVEY_FILE_KEY", KEY.hex())  # for the recorder that is killed
    campaign = kill_campaign(path, kills=2, seed=11)
    assert campaign.acknowledged > 0
    assert path.read_bytes().startswith(file_key.MARK)
    assert words_in(path.parent) == set()


def test_a_plain_copy_is_the_same_survey(path: Path, keys: Keys) -> None:
    plain = path.with_name("plain.fsurvey")
    with SurveyFile.create(path) as survey:
        record(survey)
        decrypt(path, plain)  # beside its recorder
        record(survey, 100)
    before = path.read_bytes()
    with file_key.asking(Keys()):
        with SurveyFile.open(plain, read_only=True) as copy:
            assert copy.check() == []
            assert len(copy.drives()) == 1
            copied = (list(copy.samples()), list(copy.events()), list(copy.tests()))
        SurveyFile.open(plain).close()
    with SurveyFile.open(path, read_only=True) as survey:
        id_ = "drive-0"
        assert copied == (
            list(survey.samples(id_)),
            list(survey.events(id_)),
            list(survey.tests(id_)),
        )
    if sys.platform != "win32":
        assert stat.S_IMODE(plain.stat().st_mode) == 0o600
    assert path.read_bytes() == before


def test_a_plain_copy_replaces_nothing_and_needs_the_key(path: Path, keys: Keys) -> None:
    make(path)
    plain = path.with_name("plain.fsurvey")
    with file_key.asking(Keys()), pytest.raises(KnownError) as locked:
        decrypt(path, plain)
    decrypt(path, plain)
    content = plain.read_bytes()
    with pytest.raises(KnownError) as exists:
        decrypt(path, plain)
    with pytest.raises(KnownError) as not_encrypted:
        decrypt(plain, path.with_name("again.fsurvey"))
    errors = (locked, exists, not_encrypted)
    assert [one.value.message.id for one in errors] == [
        "store.locked", "store.exists", "store.plain"
    ]  # fmt: skip
    assert plain.read_bytes() == content
    names = {one.name.removesuffix("-wal").removesuffix("-shm") for one in path.parent.iterdir()}
    assert names == {"a.fsurvey", "plain.fsurvey"}


def test_who_is_asked_is_asked_no_longer_afterwards(path: Path) -> None:
    with file_key.asking(Keys(KEY)):
        assert file_key.for_new_file() == KEY
    assert file_key.for_new_file() is None
    assert list(file_key.known()) == []

"""A laptop's file keys: never in clear on the disk, never lost by accident, never made up."""

import base64
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.file_keys import LaptopKeys
from fieldsurvey.sync.profile import Profile
from fieldsurvey.wire.recovery import key_id_of
from tests.support.file_keys import MemoryKeyring

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PASSPHRASE = {"FIELDSURVEY_PASSPHRASE": "дорога дальняя"}


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    keyring.set_keyring(one := MemoryKeyring())
    yield one
    keyring.set_keyring(before)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "hq")


def made(profile: Profile, environment: dict[str, str], device: str = FIRST) -> bytes:
    keys = LaptopKeys(profile, environment)
    key = keys.make(device)
    keys.use_for_new(key)
    return key


def id_of(profile: Profile, environment: dict[str, str]) -> tuple[str, str]:
    """What asking for the key of a new file, and for all keys, says."""
    with pytest.raises(KnownError) as new:
        LaptopKeys(profile, environment).for_new_file()
    with pytest.raises(KnownError) as known:
        LaptopKeys(profile, environment).known()
    return new.value.message.id, known.value.message.id


def in_clear(profile: Profile, key: bytes) -> bool:
    forms = (
        key,
        key.hex().encode(),
        base64.b64encode(key)[:40],
        base64.urlsafe_b64encode(key)[:40],
    )
    return any(form in path.read_bytes() for path in profile.path.iterdir() for form in forms)


def test_nothing_there_is_no_key(profile: Profile) -> None:
    keys = LaptopKeys(profile, {})
    assert keys.for_new_file() is None
    assert keys.known() == []
    keys.use_for_new(None)
    assert not profile.path.exists()


def test_a_key_is_made_once_and_lies_in_the_keyring_alone(
    profile: Profile, ring: MemoryKeyring
) -> None:
    key = made(profile, PASSPHRASE)
    assert len(key) == 32
    assert made(profile, {}) == key
    assert ring.kept == {("fieldsurvey", FIRST): key.hex()}
    assert not in_clear(profile, key)
    if sys.platform != "win32":
        assert stat.S_IMODE(profile.file_keys_path.stat().st_mode) == 0o600


def test_another_hq_gets_another_key_and_old_files_still_open(profile: Profile) -> None:
    first, second = made(profile, {}), made(profile, {}, SECOND)
    assert first != second
    keys = LaptopKeys(profile, {})
    assert keys.for_new_file() == second
    assert keys.known() == [second, first]
    assert made(profile, {}) == first  # back at the first HQ, which knows this key alone
    assert LaptopKeys(profile, {}).for_new_file() == first
    assert LaptopKeys(profile, {}).known() == [first, second]


def test_a_key_that_no_hq_can_recover_yet_is_for_no_file(profile: Profile) -> None:
    first = made(profile, {})
    second = LaptopKeys(profile, {}).make(SECOND)  # and then the network was gone
    assert LaptopKeys(profile, {}).for_new_file() == first
    assert LaptopKeys(profile, {}).known() == [first, second]


def test_without_a_keyring_a_passphrase_protects_the_key(
    profile: Profile, ring: MemoryKeyring
) -> None:
    ring.locked = True
    with pytest.raises(KnownError) as caught:
        LaptopKeys(profile, {}).make(FIRST)
    assert caught.value.message.id == "sync.no_keyring"
    assert not profile.path.exists()
    key = made(profile, PASSPHRASE)
    assert not in_clear(profile, key)
    assert LaptopKeys(profile, PASSPHRASE).for_new_file() == key
    assert LaptopKeys(profile, PASSPHRASE).make(FIRST) == key
    assert id_of(profile, {}) == ("sync.passphrase_needed",) * 2
    assert id_of(profile, {"FIELDSURVEY_PASSPHRASE": "x"}) == ("sync.passphrase_wrong",) * 2
    text = profile.file_keys_path.read_text()
    profile.file_keys_path.write_text(text.replace(FIRST, SECOND))  # bound to its device
    assert id_of(profile, PASSPHRASE) == ("sync.passphrase_wrong",) * 2


def test_a_keyring_that_keeps_nothing_is_none(profile: Profile, ring: MemoryKeyring) -> None:
    ring.forgets = True
    with pytest.raises(KnownError) as caught:
        LaptopKeys(profile, {}).make(FIRST)
    assert caught.value.message.id == "sync.no_keyring"


def test_a_locked_keyring_is_told_and_no_other_key_is_made(
    profile: Profile, ring: MemoryKeyring
) -> None:
    key = made(profile, {})
    open_already = LaptopKeys(profile, {})
    assert open_already.for_new_file() == key
    ring.locked = True
    assert open_already.for_new_file() == key  # a drive goes on
    assert id_of(profile, {}) == ("sync.file_key_missing",) * 2
    with pytest.raises(KnownError) as caught:
        LaptopKeys(profile, PASSPHRASE).make(FIRST)
    assert caught.value.message.id == "sync.file_key_missing"
    ring.locked = False
    assert LaptopKeys(profile, {}).for_new_file() == key


def test_a_lost_keyring_is_answered_by_the_recovered_key_or_by_a_new_one(
    profile: Profile, ring: MemoryKeyring
) -> None:
    key = made(profile, {})
    ring.kept.clear()
    assert id_of(profile, {}) == ("sync.file_key_missing",) * 2
    recovered = {"FIELDSURVEY_FILE_KEY": f" {key.hex()}\n"}
    keys = LaptopKeys(profile, recovered)
    assert keys.for_new_file() == key
    assert keys.known() == [key]
    new = made(profile, {})
    assert new != key
    assert LaptopKeys(profile, recovered).known() == [key, new]
    assert LaptopKeys(profile, recovered).for_new_file() == new


def test_a_key_that_somebody_else_put_there_is_not_ours(
    profile: Profile, ring: MemoryKeyring
) -> None:
    made(profile, {})
    for other in ("ab" * 32, "no key", ""):
        ring.kept["fieldsurvey", FIRST] = other
        assert id_of(profile, {}) == ("sync.file_key_missing",) * 2


@pytest.mark.parametrize("text", ["abc", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_mistyped_key_is_told(profile: Profile, text: str) -> None:
    with pytest.raises(KnownError) as caught:
        LaptopKeys(profile, {"FIELDSURVEY_FILE_KEY": text}).known()
    assert caught.value.message.id == "sync.bad_file_key"
    assert text not in str(caught.value)


def test_a_damaged_list_of_keys_is_left_as_it_is(profile: Profile) -> None:
    made(profile, {})
    profile.file_keys_path.write_bytes(b"{")
    assert id_of(profile, {}) == ("sync.profile_damaged",) * 2
    assert profile.file_keys_path.read_bytes() == b"{"


def test_no_error_and_no_name_says_the_key(profile: Profile, ring: MemoryKeyring) -> None:
    key = made(profile, {})
    assert key_id_of(key) not in key.hex()
    assert key.hex() not in repr(LaptopKeys(profile, {}))
    ring.locked = True
    with pytest.raises(KnownError) as caught:
        LaptopKeys(profile, {}).for_new_file()
    for language in ("en", "kk", "ru"):
        assert key.hex() not in caught.value.message.text(language)

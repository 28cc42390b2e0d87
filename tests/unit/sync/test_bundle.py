"""The file on the stick: the same bytes come out, and damage costs only what is damaged."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.wire.bundle import read_bundle, read_receipts, write_bundle, write_receipts
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PrivateKey
from tests.support.sync_batches import batch, receipt

KEY = Ed25519PrivateKey.generate()
HQ_KEY = Ed25519PrivateKey.generate()
BATCHES = [batch(KEY, number, b"%d " % number * 500).content for number in range(12)]


def readable(path: Path) -> tuple[list[bytes], str]:
    found = []
    try:
        for content in read_bundle(path):
            found.append(content)
    except WireError as error:
        return found, str(error)
    return found, ""


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "a.fspb"
    assert write_bundle(path, iter(BATCHES)) == len(BATCHES)
    assert list(read_bundle(path)) == BATCHES
    assert zipfile.ZipFile(path).testzip() is None
    assert [p.name for p in tmp_path.iterdir()] == ["a.fspb"]


def test_two_batches_of_one_number_are_both_kept_and_the_same_one_once(tmp_path: Path) -> None:
    path = tmp_path / "a.fspb"
    other = batch(KEY, 0, b"other rows").content
    assert write_bundle(path, [BATCHES[0], other, BATCHES[0]]) == 3
    assert {BATCHES[0], other} == set(read_bundle(path))


def test_a_cut_off_bundle_gives_what_came_before_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.fspb"
    write_bundle(path, BATCHES)
    whole = path.read_bytes()
    counts = set()
    for keep in range(0, len(whole), 97):
        path.write_bytes(whole[:keep])
        found, problem = readable(path)
        assert found == BATCHES[: len(found)]
        assert problem.startswith("bundle: ")
        counts.add(len(found))
    assert counts == set(range(len(BATCHES) + 1))


def test_no_flipped_bit_gives_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.fspb"
    write_bundle(path, BATCHES)
    whole = path.read_bytes()
    for at in range(0, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        found, problem = readable(path)
        assert set(found) <= set(BATCHES)
        assert problem or found == BATCHES


def test_a_failure_while_writing_leaves_the_old_bundle(tmp_path: Path) -> None:
    path = tmp_path / "a.fspb"
    write_bundle(path, BATCHES[:1])

    def breaking() -> Iterator[bytes]:
        yield BATCHES[1]
        raise OSError("stick is gone")

    with pytest.raises(OSError, match="stick is gone"):
        write_bundle(path, breaking())
    assert list(read_bundle(path)) == BATCHES[:1]
    assert [p.name for p in tmp_path.iterdir()] == ["a.fspb"]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_not_bundles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.fspb"
    path.write_bytes(content)
    assert readable(path)[0] == []
    assert readable(path)[1]


def test_receipts_travel_too(tmp_path: Path) -> None:
    path = tmp_path / "receipts.zip"
    receipts = [receipt(batch(KEY, number), HQ_KEY, number) for number in range(3)]
    assert write_receipts(path, receipts) == 3
    assert list(read_receipts(path)) == receipts
    with pytest.raises(WireError, match="holds no batches"):
        list(read_bundle(path))

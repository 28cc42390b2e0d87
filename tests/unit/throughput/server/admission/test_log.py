"""The log of tests: what is in it, what is not, and how long it can get."""

import json
from pathlib import Path
from typing import Any

import pytest

from fieldsurvey.throughput.server.log import FILE_NAME, OLD_FILES, Addresses, TestLog
from fieldsurvey.throughput.server.slots import Test
from tests.support.measure_server import known_error


def ended(address: str = "203.0.113.77") -> Test:
    test = Test(address, address, "throughput1:client's own word", 10.0, 14.25)
    test.kinds.update({"throughput1-upload": 4, "throughput1-download": 4})
    test.past_sent_bytes, test.past_received_bytes = 12_000_000, 34
    return test


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_test_is_one_line(tmp_path: Path) -> None:
    log = TestLog(tmp_path / "new" / "folder")
    log.write(ended())
    log.close()
    (line,) = lines(tmp_path / "new" / "folder" / FILE_NAME)
    assert line.pop("ended_utc").endswith("+00:00")
    assert line == {
        "client": "203.0.113.0/24",
        "loads": {"throughput1-download": 4, "throughput1-upload": 4},
        "seconds": 4.25,
        "sent_bytes": 12_000_000,
        "received_bytes": 34,
    }


@pytest.mark.parametrize(
    ("addresses", "address", "written"),
    [
        (Addresses.NETWORK, "2001:db8:1:2::9", "2001:db8:1::/48"),
        (Addresses.NONE, "203.0.113.77", ""),
        (Addresses.WHOLE, "203.0.113.77", "203.0.113.77"),
    ],
)
def test_how_much_of_an_address(
    tmp_path: Path, addresses: Addresses, address: str, written: str
) -> None:
    log = TestLog(tmp_path, addresses)
    log.write(ended(address))
    log.close()
    assert lines(tmp_path / FILE_NAME)[0]["client"] == written


def test_it_does_not_grow_without_end(tmp_path: Path) -> None:
    log = TestLog(tmp_path, largest_file_bytes=2_000)
    for _ in range(1_000):
        log.write(ended())
    log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + OLD_FILES
    assert all(path.stat().st_size <= 2_000 for path in files)
    assert all(lines(path) for path in files)


def test_a_disk_that_takes_no_more_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE_NAME).symlink_to("/dev/full")
    log = TestLog(tmp_path)
    for _ in range(3):
        log.write(ended())
    log.close()
    assert capsys.readouterr().err.count(FILE_NAME) == 1


def test_a_folder_that_cannot_be_is_a_known_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with known_error("log_unwritable") as caught:
        TestLog(tmp_path / "file" / "log")
    assert "--data" in str(caught.value)

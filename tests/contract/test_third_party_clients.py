"""Clients that others wrote, unchanged, against our measurement server."""

from pathlib import Path

import pytest

from tests.support.third_parties import CLIENTS, needed, run_node, run_page, run_python


def test_mlabs_ndt7_client_measures_both_ways(npm_clients: Path, address: str) -> None:
    told = run_node(npm_clients, "ndt7.js", address)
    assert told["errors"] == []
    assert told["code"] == 0
    for direction in ("download", "upload"):
        one = told[direction]
        assert one["client"] > 2, f"{direction}: its own readings, four a second"
        assert one["server"] > 2, f"{direction}: measurements of ours that it could read"
        assert one["LastClientMeasurement"]["MeanClientMbps"] > 10
        server = one["LastServerMeasurement"]
        assert server["ConnectionInfo"]["UUID"]
        assert server["TCPInfo"]["MinRTT"] > 0
        assert server["AppInfo"]["ElapsedTime"] > 1_000_000
    sent = told["download"]["LastServerMeasurement"]["TCPInfo"]
    assert sent["BytesAcked"] >= told["download"]["LastClientMeasurement"]["NumBytes"] * 0.9
    received = told["upload"]["LastServerMeasurement"]
    # What Go's client makes its upload figure of.
    assert received["TCPInfo"]["BytesReceived"] >= received["AppInfo"]["NumBytes"]


def test_another_websocket_stack_downloads_by_throughput1(npm_clients: Path, address: str) -> None:
    told = run_node(
        npm_clients, "throughput1.js", address, "download", "streams=1&duration=1500&bytes=3000000"
    )
    assert "error" not in told
    assert told["code"] == 1000, "the server closes when the limit is reached"
    assert told["received"] == 3_000_000
    sizes = told["sizes"]
    assert sizes[0] == 1 << 10
    assert max(sizes) <= 1 << 20
    last = told["texts"][-1]
    assert last["Application"]["BytesSent"] == 3_000_000
    assert last["TCPInfo"]["ElapsedTime"] > 0


def test_another_websocket_stack_uploads_by_throughput1(npm_clients: Path, address: str) -> None:
    told = run_node(npm_clients, "throughput1.js", address, "upload", "streams=1&duration=1000")
    assert "error" not in told
    assert told["code"] == 1000
    assert told["binary"] == 0
    last = told["texts"][-1]
    assert 0 < last["Application"]["BytesReceived"] <= told["sent"] + (1 << 24)
    assert len(told["texts"]) >= 3, "every 250 ms"


def test_cloudflares_client_measures_in_a_browser(
    npm_clients: Path, address: str, tmp_path: Path
) -> None:
    needed("chromium")
    files = {
        "/": CLIENTS / "cloudflare.html",
        "/speedtest.js": npm_clients / "@cloudflare/speedtest/dist/speedtest.js",
    }
    told = run_page(files, f"server=http://{address}", tmp_path, timeout_s=45)
    assert told["errors"] == []
    assert told["finished"], told
    assert len(told["latency"]) == 5
    assert [point["bytes"] for point in told["down"][:3]] == [1_000_000] * 3
    assert [point["bytes"] for point in told["up"][:3]] == [1_000_000] * 3
    assert all(point["bps"] > 1_000_000 for point in told["down"] + told["up"])
    assert told["down"][0]["transferSize"] > 1_000_000, "it may read the sizes: Timing-Allow-Origin"
    # It takes no time up to 0.01 ms for one, which is what a download's head may take us.
    assert all(point["serverTime"] > 0 for point in told["up"]), "and our Server-Timing"


def test_the_speedtest_library_measures_with_its_own_counters(address: str) -> None:
    told = run_python("mini.py", f"http://{address}/mini/")
    assert told["bytes_received"] == 4 * (245_388 + 1_986_284 + 7_907_740)
    assert told["download"] > 10_000_000
    assert told["upload"] > 10_000_000
    assert 0 < told["ping"] < 1000


@pytest.mark.parametrize("path", ["garbage.php?ckSize=2", "backend/garbage?ckSize=2&cors=true"])
def test_librespeeds_addresses_answer_a_plain_client(address: str, path: str) -> None:
    """None of its clients can be had from a registry: an ordinary one asks as its page does."""
    needed("node")
    script = CLIENTS / "librespeed.js"
    told = run_node(script.parent, "librespeed.js", address, path)
    assert told["garbage"] == 2 << 20
    assert told["posted"] == {"status": 200, "bytes": 0}
    assert told["address"].startswith("127.0.0.1")
    assert told["cors"] == ("*" if "cors" in path else None)

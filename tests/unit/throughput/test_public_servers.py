"""Public servers are used when somebody chose to, and seldom."""

import asyncio
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Measurement, MeasurementPlan, Outcome
from fieldsurvey.throughput.engine import MeasuringProcess
from fieldsurvey.throughput.protocols import PROTOCOLS
from fieldsurvey.throughput.protocols.public_servers import (
    LEAST_WAIT_S,
    MEAN_WAIT_S,
    MOST_WAIT_S,
    PublicUse,
    owner_of,
    refuse_public,
    skipped_if_public,
)

MLAB = "wss://ndt-mlab1-ala01.mlab-oti.measurement-lab.org/ndt/v7/download"


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        (MLAB, "M-Lab"),
        ("https://locate.measurementlab.net/v2/nearest", "M-Lab"),
        ("https://speed.cloudflare.com", "Cloudflare"),
        ("http://www.speedtest.net", "Ookla"),
        ("https://LibreSpeed.ORG./backend", "LibreSpeed"),
        ("iperf.he.net", "iperf.fr"),
        ("https://speed.example.kz", None),
        ("https://notspeedtest.net", None),
        ("http://127.0.0.1:8080", None),
        ("https://measurement-lab.org.example.kz", None),
    ],
)
def test_whose_server_it_is(url: str, owner: str | None) -> None:
    assert owner_of(url) == owner


def test_a_public_server_is_refused_unless_chosen() -> None:
    with pytest.raises(KnownError) as refused:
        refuse_public(MLAB, allowed=False)
    assert "M-Lab" in refused.value.message.text("en")
    assert "M-Lab" in refused.value.message.text("kk")
    refuse_public(MLAB, allowed=True)
    refuse_public("http://127.0.0.1:8080", allowed=False)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_plan_that_names_one_is_not_even_tried(protocol: str) -> None:
    """Whatever the protocol, and whoever has forgotten to ask: in the measuring process itself."""

    async def run() -> Measurement:
        process = MeasuringProcess()
        try:
            return await process.run(MeasurementPlan(MLAB, protocol))
        finally:
            await process.close()

    result = asyncio.run(run())
    assert (result.outcome, result.wire_bytes) == (Outcome.SKIPPED, 0)
    assert not result.no_service
    assert MLAB in result.detail


def test_a_plan_that_says_so_may_go_on() -> None:
    assert skipped_if_public(MeasurementPlan(MLAB)) is not None
    assert skipped_if_public(MeasurementPlan(MLAB, public_server=True)) is None
    assert skipped_if_public(MeasurementPlan("http://127.0.0.1:8080")) is None


def test_the_next_use_has_to_wait_across_runs(tmp_path: Path) -> None:
    path, now_s = tmp_path / "state" / "public.json", 1_000_000.0
    PublicUse(path, lambda: now_s, seed=1).take(MLAB)
    with pytest.raises(KnownError) as too_soon:
        PublicUse(path, lambda: now_s + LEAST_WAIT_S - 60).take(MLAB)
    assert too_soon.value.message.id == "throughput.public_too_soon"
    assert 1 <= int(str(too_soon.value.message.args["minutes"])) <= MOST_WAIT_S / 60
    PublicUse(path, lambda: now_s).take("https://speed.cloudflare.com")  # another owner
    PublicUse(path, lambda: now_s + MOST_WAIT_S + 1).take(MLAB)


def test_ones_own_server_never_waits(tmp_path: Path) -> None:
    use = PublicUse(tmp_path / "public.json")
    for _ in range(3):
        use.take("http://127.0.0.1:8080")
    assert not (tmp_path / "public.json").exists()


def test_waits_are_as_m_lab_asks(tmp_path: Path) -> None:
    """Exponential, mean 6 h, between 36 min and 15 h: the mean of what is kept is 5.4 to 6 h."""
    now_s = 0.0
    use = PublicUse(tmp_path / "public.json", lambda: now_s, seed=7)
    waits = []
    for _ in range(200):
        use.take(MLAB)
        began_s = now_s
        low_s, high_s = began_s, began_s + MOST_WAIT_S + 1
        while high_s - low_s > 30:  # find when it may be used again
            now_s = (low_s + high_s) / 2
            not_before_s = use._read()["M-Lab"]
            low_s, high_s = (now_s, high_s) if now_s < not_before_s else (low_s, now_s)
        now_s = high_s
        waits.append(now_s - began_s)
    assert min(waits) >= LEAST_WAIT_S
    assert max(waits) <= MOST_WAIT_S + 31
    assert sum(waits) / len(waits) == pytest.approx(MEAN_WAIT_S, rel=0.15)


@pytest.mark.parametrize("content", ["", "[]", '{"M-Lab": "soon"}', "\x00\xff"])
def test_a_file_that_cannot_be_read_is_a_use_just_now(tmp_path: Path, content: str) -> None:
    path = tmp_path / "public.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KnownError):
        PublicUse(path).take(MLAB)


def test_a_use_that_cannot_be_noted_does_not_happen(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KnownError) as error:
        PublicUse(tmp_path / "file" / "public.json").take(MLAB)
    assert error.value.message.id == "throughput.public_not_noted"

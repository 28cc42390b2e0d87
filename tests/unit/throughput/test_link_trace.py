"""Link traces: what each layout means, and which lines are refused."""

import gzip
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES, Message, catalogue
from fieldsurvey.throughput.link_trace import LinkTrace, load_trace


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rate_holds_until_the_next_time_and_the_trace_starts_over() -> None:
    trace = LinkTrace((0.0, 2.0, 3.0), (10.0, 0.0, 40.0), 5.0)
    assert [trace.rate_bps_at(t) for t in (0.0, 1.99, 2.0, 2.99, 3.0, 4.99)] == [
        *(10.0, 10.0, 0.0, 0.0, 40.0, 40.0)
    ]
    assert trace.rate_bps_at(5.5) == trace.rate_bps_at(0.5)
    assert trace.bits_until(1.0) == 10.0
    assert trace.bits_until(2.5) == 20.0
    assert trace.bits_until(5.0) == 100.0
    assert trace.bits_until(11.0) == 210.0


def test_a_trace_that_does_not_loop_is_dead_after_its_end() -> None:
    trace = LinkTrace((0.0,), (10.0,), 5.0, loop=False)
    assert trace.rate_bps_at(4.9) == 10.0
    assert trace.rate_bps_at(5.0) == 0.0
    assert trace.bits_until(100.0) == 50.0


@pytest.mark.parametrize(
    ("times_s", "rates_bps", "duration_s"),
    [
        ((), (), 1.0),
        ((1.0,), (1.0,), 2.0),
        ((0.0, 1.0), (1.0,), 2.0),
        ((0.0, 1.0, 1.0), (1.0, 2.0, 3.0), 2.0),
        ((0.0, 1.0), (1.0, 2.0), 1.0),
        ((0.0,), (-1.0,), 1.0),
        ((0.0,), (float("nan"),), 1.0),
    ],
)
def test_what_is_no_trace_cannot_be_built(
    times_s: tuple[float, ...], rates_bps: tuple[float, ...], duration_s: float
) -> None:
    with pytest.raises(ValueError, match="trace"):
        LinkTrace(times_s, rates_bps, duration_s)


def test_our_own_layout_holds_each_rate_until_the_next_line(tmp_path: Path) -> None:
    trace = load_trace(write(tmp_path / "own.csv", "t_s,rate_mbps\n0,100\n60,0\n\n120,20.5\n"))
    assert trace.times_s == (0.0, 60.0, 120.0)
    assert trace.rates_bps == (100e6, 0.0, 20.5e6)
    assert trace.duration_s == 121.0


def test_a_recording_may_have_more_columns_and_start_late(tmp_path: Path) -> None:
    text = "\ufefft_s,speed_kmh,throughput_mbps\n7,50,1.5\n8,51,0\n10,52,2\n"
    trace = load_trace(write(tmp_path / "recorded.csv", text))
    assert trace.times_s == (0.0, 1.0, 3.0)
    assert trace.rates_bps == (1.5e6, 0.0, 2e6)


def test_packet_times_become_bytes_of_payload_per_100_ms(tmp_path: Path) -> None:
    path = tmp_path / "packets.down.gz"
    path.write_bytes(gzip.compress(b"0\n0\n99\n100\n350\n"))
    trace = load_trace(path)
    packet_bps = 1448 * 8 / 0.1
    assert trace.rates_bps == pytest.approx([3 * packet_bps, packet_bps, 0.0, packet_bps])
    assert trace.duration_s == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "trace_empty"),
        ("\n \n", 1, "trace_empty"),
        ("t_s,throughput_mbps\n", 1, "trace_empty"),
        ("time,throughput_mbps\n0,1\n", 1, "trace_no_column"),
        ("t_s,throughput_mbps\n0,1\n1\n", 3, "trace_no_column"),
        ("t_s,throughput_mbps\n0,1\n1,\n", 3, "trace_not_a_rate"),
        ("t_s,throughput_mbps\n0,1\n1,-5\n", 3, "trace_not_a_rate"),
        ("t_s,throughput_mbps\n0,1\n\n1,nan\n", 4, "trace_not_a_rate"),
        ("t_s,throughput_mbps\n0,1\n0,1\n", 3, "trace_order"),
        ("t_s,throughput_mbps\n0,1\n9,1\n", 3, "trace_gap"),
        ("t_s,rate_mbps\n5,1\n", 2, "trace_start"),
        ("0 1\n1 2\n2 x\n", 3, "trace_not_a_rate"),
        ("5\n9\n7\n", 3, "trace_order"),
        ("5\n9\ninf\n", 3, "trace_not_a_rate"),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(KnownError) as caught:
        load_trace(write(tmp_path / "bad", text))
    told = caught.value.message
    assert told.id == "link.bad_trace"
    assert told.args["line"] == line
    assert isinstance(told.args["reason"], Message)
    assert told.args["reason"].id == f"link.{reason}"
    assert all("{" not in told.text(language) for language in LANGUAGES)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b""])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(content or gzip.compress(b"1\n" * 1000)[:20])
    with pytest.raises(KnownError) as caught:
        load_trace(path)
    assert caught.value.message.id == "link.trace_unreadable"
    with pytest.raises(KnownError):
        load_trace(tmp_path / "missing.csv")


def test_every_text_of_the_link_is_there_in_all_languages() -> None:
    texts = [entry for name, entry in catalogue().items() if name.startswith("link.")]
    assert len(texts) >= 10
    assert all(set(entry) == set(LANGUAGES) for entry in texts)


@pytest.mark.realdata
def test_recorded_drives_are_read_second_by_second(shared_data: Path) -> None:
    trace = load_trace(shared_data / "links" / "tmobile_run0_20230404T134621.csv")
    assert len(trace.times_s) == 1746  # it ends early; no second inside is missing
    assert trace.duration_s == 1746.0
    assert trace.rates_bps[0] == 161e6
    assert max(trace.rates_bps) == 376e6
    assert {trace.rate_bps_at(t) for t in range(945, 956)} == {0.0}


@pytest.mark.realdata
def test_every_recorded_link_is_read(shared_data: Path) -> None:
    paths = [path for path in sorted((shared_data / "links").iterdir()) if path.suffix != ".gz"]
    assert len(paths) >= 12
    for path in paths:
        trace = load_trace(path)
        mean_bps = trace.bits_until(trace.duration_s) / trace.duration_s
        assert 1e6 < mean_bps < 2e9, path.name


@pytest.mark.realdata
def test_packet_times_keep_their_mean(shared_data: Path) -> None:
    path = shared_data / "links" / "TMobile-LTE-driving.down.gz"
    trace = load_trace(path)
    packets = len(gzip.decompress(path.read_bytes()).split())
    assert trace.bits_until(trace.duration_s) == pytest.approx(packets * 1448 * 8)
    assert trace.duration_s == pytest.approx(474.7)

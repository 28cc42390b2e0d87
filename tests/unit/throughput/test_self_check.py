"""A test that our own side held back says by what: real busy threads, traffic, tunnels, windows."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress

import psutil
import pytest

from fieldsurvey.model.throughput import (
    InterfaceKind,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    TcpSummary,
)
from fieldsurvey.throughput.self_check import SelfCheckRecorder
from fieldsurvey.throughput.tcp_info import read_tcp_info, summary
from tests.support.network_devices import (
    Neighbour,
    needs_devices,
    neighbour,
    new_addresses,
    new_name,
    tun,
)

TICK_S = 0.025


def watch(
    recorder: SelfCheckRecorder,
    seconds: float,
    own: tuple[int, int] = (0, 0),
    phases: Sequence[Phase] = (),
) -> SelfCheck:
    """Turn an event loop as a load does."""

    async def load() -> None:
        recorder.start()
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            await asyncio.sleep(TICK_S)
            recorder.tick()

    asyncio.run(load())
    return recorder.finish(*own, phases)


def download(tcp_server: TcpSummary | None = None, **changes: int) -> Phase:
    settings = {"start_offset_us": 0, "duration_us": 1_000_000} | changes
    return Phase(PhaseKind.DOWNLOAD, tcp_server=tcp_server, **settings)  # type: ignore[arg-type]  # names checked by the dataclass


def test_a_quiet_load_measures_itself_and_names_no_traffic_or_window() -> None:
    check = watch(SelfCheckRecorder(None, "127.0.0.1"), 0.4, (10_000_000, 0), [download()])
    assert check.interface_kind is InterfaceKind.LOOPBACK
    assert check.cpu_permille is not None
    assert check.cpu_permille < 850
    assert check.machine_cpu_permille is not None
    assert check.loop_lag_us is not None
    assert check.other_rx_bytes is None, "the loopback is everybody's"
    assert set(check.limits) <= {SelfLimit.CPU, SelfLimit.EVENT_LOOP}, "others may load the machine"


def skip_if_starved(check: SelfCheck) -> None:
    """A machine that others keep busy never gives this process a whole core."""
    assert check.cpu_permille is not None
    assert check.machine_cpu_permille is not None
    if check.cpu_permille < 850 and check.machine_cpu_permille >= 900:
        pytest.skip("the machine is too busy to let one process fill a core")


def test_a_busy_thread_of_ours_is_a_cpu_limit() -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        check = watch(SelfCheckRecorder(None, "127.0.0.1"), 1.3)
    finally:
        stop.set()
        spinner.join()
    skip_if_starved(check)
    assert SelfLimit.CPU in check.limits, check


def test_a_full_machine_is_a_cpu_limit_where_it_made_us_late() -> None:
    program = "import time; until = time.monotonic() + 20\nwhile time.monotonic() < until: pass"
    cores = psutil.cpu_count() or 1
    spinners = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(cores)]
    try:
        time.sleep(0.3)
        recorder = SelfCheckRecorder(None, "127.0.0.1")
        check = watch(recorder, 1.3)
        recorder.start()
        time.sleep(0.15)
        recorder.tick()
        late = recorder.finish(0, 0, [])
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    assert check.machine_cpu_permille is not None
    assert check.machine_cpu_permille >= 950
    assert check.cpu_permille is not None
    assert check.cpu_permille < 850
    assert check.loop_lag_us is not None
    assert (SelfLimit.CPU in check.limits) == (check.loop_lag_us >= 100_000)
    assert late.limits == (SelfLimit.CPU, SelfLimit.EVENT_LOOP)


def test_the_busy_second_counts_and_not_the_mean_of_two_loads() -> None:
    recorder = SelfCheckRecorder(None, "127.0.0.1")
    recorder.start()
    until_s = time.monotonic() + 1.1
    while time.monotonic() < until_s:
        recorder.tick()
    busy = recorder.finish(0, 0, [])
    skip_if_starved(busy)
    check = watch(recorder, 1.5)
    assert SelfLimit.CPU in busy.limits
    assert check.cpu_permille == busy.cpu_permille, "one load of two was held back"
    assert SelfLimit.CPU in check.limits


def test_an_event_loop_that_stands_still_is_late() -> None:
    recorder = SelfCheckRecorder(None, "127.0.0.1")
    recorder.start()
    time.sleep(0.15)
    recorder.tick()
    check = recorder.finish(0, 0, [])
    assert check.loop_lag_us is not None
    assert check.loop_lag_us >= 120_000
    assert SelfLimit.EVENT_LOOP in check.limits


def test_the_time_between_two_loads_is_not_lateness() -> None:
    recorder = SelfCheckRecorder(None, "127.0.0.1")
    recorder.start()
    recorder.tick()
    time.sleep(0.2)
    recorder.start()
    recorder.tick()
    lag_us = recorder.finish(0, 0, []).loop_lag_us
    assert lag_us is not None
    assert lag_us < 150_000


def _receive_from(other: Neighbour, total_bytes: int) -> int:
    """Let the other host send over TCP; return how much of it arrived: real wire traffic."""
    with socket.create_server((other.here, 0)) as listener:
        program = (
            "import socket\n"
            f"peer = socket.create_connection({listener.getsockname()!r})\n"
            f"peer.sendall(bytes({total_bytes}))\n"
        )
        sender = subprocess.Popen(
            ["ip", "netns", "exec", other.namespace, sys.executable, "-c", program]
        )
        try:
            listener.settimeout(10)
            connection, _ = listener.accept()
            received = 0
            with connection:
                while data := connection.recv(1 << 16):
                    received += len(data)
        finally:
            sender.wait(10)
    return received


@needs_devices
def test_traffic_that_is_not_ours_is_a_limit_and_ours_is_not() -> None:
    with neighbour() as other:
        recorder = SelfCheckRecorder(None, other.there)
        recorder.start()
        received = _receive_from(other, 4_000_000)
        theirs = recorder.finish(1_000_000, 0, [download()])
        ours = recorder.finish(received, 0, [download()])
    assert theirs.interface == other.device
    assert theirs.other_rx_bytes is not None
    assert 2_600_000 < theirs.other_rx_bytes < 3_100_000, "less what overhead may explain"
    assert SelfLimit.OTHER_TRAFFIC in theirs.limits
    assert ours.other_rx_bytes == 0, "headers and acknowledgements are ours too"
    assert ours.other_tx_bytes == 0
    assert SelfLimit.OTHER_TRAFFIC not in ours.limits


@needs_devices
def test_a_little_chatter_is_told_but_no_limit() -> None:
    with neighbour() as other:
        recorder = SelfCheckRecorder(None, other.there)
        recorder.start()
        _receive_from(other, 200_000)
        check = recorder.finish(0, 0, [download()])
    assert check.other_rx_bytes
    assert SelfLimit.OTHER_TRAFFIC not in check.limits


@needs_devices
def test_what_a_download_left_under_way_is_not_other_traffic() -> None:
    with neighbour() as other:
        recorder = SelfCheckRecorder(None, other.there)
        recorder.start()
        _receive_from(other, 3_000_000)
        ended = download(payload_bytes=2_000_000, duration_us=1_000_000)
        held = Phase(PhaseKind.DOWNLOAD, 0, 1_000_000, 2_000_000, round_trips_us=(300_000, 450_000))
        counted = recorder.finish(2_000_000, 0, [ended])
        explained = recorder.finish(2_000_000, 0, [held])
    assert SelfLimit.OTHER_TRAFFIC in counted.limits
    assert SelfLimit.OTHER_TRAFFIC not in explained.limits


@needs_devices
def test_a_real_tunnel_in_the_path_is_a_vpn() -> None:
    here, there = new_addresses()
    with tun(new_name("ft"), f"{here}/30") as name:
        check = SelfCheckRecorder(None, there).finish(0, 0, [])
    assert (check.interface, check.interface_kind) == (name, InterfaceKind.VPN)
    assert check.limits == (SelfLimit.VPN,)


def test_a_wireless_interface_is_named() -> None:
    check = SelfCheckRecorder("wlan-elsewhere", "203.0.113.1").finish(0, 0, [])
    assert check.interface_kind is InterfaceKind.WIFI
    assert check.limits == (SelfLimit.WIFI,)
    assert check.cpu_permille is None, "never started, so never seen"


def test_a_window_that_really_was_too_small() -> None:
    """A receiver that reads slowly through a small buffer; the sender's kernel tells."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    with closing(sender), closing(receiver):
        if read_tcp_info(sender) is None:
            pytest.skip("this system does not tell what TCP waited for")
        sender.setblocking(False)
        for _ in range(40):
            with suppress(BlockingIOError):
                while sender.send(bytes(65536)):
                    pass
            receiver.recv(4096)
            time.sleep(0.005)
        told = summary([read_tcp_info(sender)])
    check = SelfCheckRecorder(None, "127.0.0.1").finish(0, 0, [download(told)])
    assert SelfLimit.RECEIVE_WINDOW in check.limits, told


@pytest.mark.parametrize(
    ("phase", "limits"),
    [
        *(
            (download(TcpSummary(busy_us=busy_us, receive_window_limited_us=limited_us)), limits)
            for busy_us, limited_us, limits in (
                (2_000_000, 399_000, ()),
                (2_000_000, 400_000, (SelfLimit.RECEIVE_WINDOW,)),
                (1_000_000, 299_000, ()),  # while the window opens, which takes so long
                (1_000_000, 300_000, (SelfLimit.RECEIVE_WINDOW,)),
                (400_000, 199_000, ()),
                (400_000, 200_000, (SelfLimit.RECEIVE_WINDOW,)),
            )
        ),
        (
            download(TcpSummary(busy_us=1_000_000, send_buffer_limited_us=500_000)),
            (SelfLimit.SERVER,),
        ),
        (download(TcpSummary(receive_window_limited_us=500_000)), ()),
        (
            Phase(
                PhaseKind.UPLOAD, 0, 1_000_000,
                tcp_local=TcpSummary(busy_us=900_000, receive_window_limited_us=500_000),
            ),
            (SelfLimit.SERVER,),
        ),
        (
            Phase(
                PhaseKind.UPLOAD, 0, 1_000_000,
                tcp_server=TcpSummary(busy_us=900_000, receive_window_limited_us=900_000),
            ),
            (),
        ),
    ],
)  # fmt: skip
def test_only_the_senders_tcp_can_tell(phase: Phase, limits: tuple[SelfLimit, ...]) -> None:
    assert SelfCheckRecorder(None, "127.0.0.1").finish(0, 0, [phase]).limits == limits

"""iperf3 inside a laboratory: the independent judge of the link, and of us."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.lab_link import Laboratory, Namespace

_TRIES_WHILE_BUSY = 10


@dataclass(frozen=True, slots=True)
class Iperf3Result:
    """What the receiver counted. ``whole_bps`` includes the seconds that were to be omitted."""

    received_bps: float
    whole_bps: float
    seconds: float
    interval_bps: tuple[float, ...]
    output: dict[str, Any]


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """End a program of ours with the block, whatever it is doing."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def iperf3_server(place: Namespace, port: int = 5201) -> Iterator[int]:
    """Serve inside ``place``, which is ours alone: any port is free there."""
    if shutil.which("iperf3") is None:
        pytest.skip("iperf3 is not installed")
    command = place.command("iperf3", "--server", "--port", str(port), "--forceflush")
    with ended(
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ) as process:
        assert process.stdout is not None
        while "listening" not in (line := process.stdout.readline()):
            if not line:
                raise RuntimeError("iperf3 does not listen")
        # It reports every second of every client, and stops where nobody reads that.
        reader = threading.Thread(target=process.stdout.read, name="iperf3's reports")
        reader.start()
        try:
            yield port
        finally:
            process.terminate()
            reader.join()


def iperf3(lab: Laboratory, port: int, *options: str, seconds: float = 60.0) -> Iperf3Result:
    """Run a client against ``port``; raises RuntimeError with iperf3's own words."""
    command = lab.client.command(
        "iperf3", "--client", lab.server_address, "--port", str(port), "--json", *options
    )
    for _ in range(_TRIES_WHILE_BUSY):
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        output = json.loads(done.stdout or "{}")
        if "busy" not in output.get("error", ""):  # with its goodbyes to the client before us
            break
        time.sleep(0.3)
    if done.returncode or "error" in output:
        raise RuntimeError(f"iperf3: {output.get('error', done.stderr)}")
    intervals = [interval["sum"] for interval in output["intervals"]]
    took_s = sum(one["seconds"] for one in intervals)
    summary = output["end"].get("sum_received") or output["end"]["sum"]
    return Iperf3Result(
        received_bps=summary["bits_per_second"],
        whole_bps=sum(one["bytes"] for one in intervals) * 8 / took_s,
        seconds=took_s,
        interval_bps=tuple(one["bits_per_second"] for one in intervals),
        output=output,
    )

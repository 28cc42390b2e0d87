"""Servers' answers that are wrong in every way hypothesis can think of, and what must come of them.

A real server says them to a real test: the whole engine has to keep its bounds, its counts and its
words, not only a parser.
"""

import json
import logging
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    PhaseKind,
)
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.protocols import ending
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL, accept_of
from tests.support.throughput import OddServer, Visit, measure

LONGEST_S = 5.0  # the plan's bounds add up to 0.7 s; the rest is for a machine that is busy
EXPECTED = (LinkError, OSError, EOFError)


@dataclass(frozen=True)
class Answer:
    """What a server says, to whom, and what it does then."""

    to: str  # "ping", "download", "upload" or "token"
    head: Callable[[Visit], bytes]
    body: bytes
    cut_at: int | None
    end: str  # "close", "reset" or "hang"

    def say(self, visit: Visit) -> None:
        data = (self.head(visit) + self.body)[: self.cut_at]
        with suppress(OSError):
            visit.sock.sendall(data)
            if self.end == "reset":
                visit.reset()
            elif self.end == "hang":
                while visit.sock.recv(65536):  # until the client leaves
                    pass


@dataclass(frozen=True)
class _Head:
    """A head like our server's, with some lines changed."""

    status: str
    changed: dict[str, str | None]
    upgrades: bool

    def __call__(self, visit: Visit) -> bytes:
        headers: dict[str, str | None] = {
            "X-FieldSurvey-Server": "odd",
            "X-FieldSurvey-Nonce": visit.nonce,
        }
        if self.upgrades:
            headers["Upgrade"] = "websocket"
            headers["Sec-WebSocket-Accept"] = accept_of(visit.headers.get("sec-websocket-key", ""))
            headers["Sec-WebSocket-Protocol"] = MEASUREMENT_PROTOCOL
        else:
            headers["Content-Length"] = "2"
        headers |= self.changed
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([self.status, *lines, "", ""]).encode("latin-1", "replace")


@dataclass(frozen=True)
class _Raw:
    data: bytes

    def __call__(self, visit: Visit) -> bytes:
        return self.data


_LATIN = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40)
_STATUS = st.one_of(
    st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 101 ", "HTTP/1.1 ²²² x", "HTTP/2", "", "401"]),
    st.builds("HTTP/1.1 {} x".format, st.integers(0, 1000)),
    _LATIN,
)
_NAMES = st.sampled_from(
    [
        "X-FieldSurvey-Server",
        "X-FieldSurvey-Nonce",
        "X-FieldSurvey-Congestion-Control",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Retry-After",
        "",
    ]
)
_VALUES = st.one_of(st.none(), st.sampled_from(["", "-1", "1e9", "²", "9" * 5000]), _LATIN)
_NUMBERS = st.one_of(
    st.integers(-(1 << 70), 1 << 70), st.floats(), st.sampled_from([0, 1, 100_000, 1 << 62])
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
_BINS = st.fixed_dictionaries(
    {},
    optional={
        "FirstBin": st.one_of(st.sampled_from([0, 1, 1 << 40]), _JSON),
        "Bins": st.one_of(st.lists(_NUMBERS, max_size=5), st.lists(st.just(10), max_size=5), _JSON),
        "UntilUs": st.one_of(st.just(100_000), _NUMBERS, _JSON),
        "Final": st.one_of(st.booleans(), _JSON),
    },
)
_REPORTS = st.fixed_dictionaries(
    {},
    optional={
        "CC": st.one_of(st.text(max_size=5), _JSON),
        "TCPInfo": st.one_of(
            st.dictionaries(st.sampled_from(["RTT", "MinRTT", "BytesSent", "BusyTime"]), _NUMBERS),
            _JSON,
        ),
        "FieldSurvey": st.one_of(_BINS, _JSON),
    },
)
_TEXTS = st.one_of(
    st.builds(lambda report: json.dumps(report).encode(), _REPORTS),
    st.builds(lambda report: json.dumps(report).encode(), _JSON),
    st.sampled_from([b"[" * 60_000, b'{"a":' * 10_000, b"\xff\xfe", b"{", b'{"CC":"\\ud800"}']),
    st.binary(max_size=200),
)


def _frame(first: int, payload: bytes, claimed: int | None, *, masked: bool) -> bytes:
    length = len(payload) if claimed is None else claimed
    second = 0x80 * masked
    if length < 126:
        header = struct.pack("!BB", first, second | length)
    elif length < 1 << 16:
        header = struct.pack("!BBH", first, second | 126, length)
    else:
        header = struct.pack("!BBQ", first, second | 127, min(length, (1 << 64) - 1))
    return header + payload


_FRAMES = st.one_of(
    st.builds(_frame, st.just(0x82), st.binary(max_size=3000), st.none(), masked=st.just(False)),
    st.builds(_frame, st.just(0x81), _TEXTS, st.none(), masked=st.just(False)),
    st.builds(
        _frame,
        st.integers(0, 255),
        st.binary(max_size=300),
        st.one_of(st.none(), st.integers(0, 1 << 65)),
        masked=st.booleans(),
    ),
)
_BODIES = st.one_of(
    st.builds(b"".join, st.lists(_FRAMES, max_size=6)),
    st.binary(max_size=300),
    st.sampled_from([b"{}", b'{"access_token":1}', b'{"access_token":"\\u0000 x"}', b"x" * 20_000]),
)
_HEADS: st.SearchStrategy[Callable[[Visit], bytes]] = st.one_of(
    st.builds(_Head, st.just("HTTP/1.1 101 x"), st.just({}), st.just(True)),
    st.builds(
        _Head,
        st.one_of(st.just("HTTP/1.1 101 x"), _STATUS),
        st.dictionaries(_NAMES, _VALUES, max_size=2),
        st.booleans(),
    ),
    st.builds(_Raw, st.one_of(st.binary(max_size=400), st.just(b"x" * 9000))),
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(["ping", "download", "download", "upload", "token"]),
    _HEADS,
    _BODIES,
    st.one_of(st.none(), st.none(), st.integers(0, 400)),
    st.sampled_from(["close", "close", "close", "reset", "hang"]),
)


class MalformedServer:
    """Says one answer after the other, and checks what the engine makes of each."""

    def __init__(self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        self._caplog = caplog
        self._answer: Answer | None = None
        self._surprises: list[BaseException] = []
        self.causes: set[Cause | None] = set()
        self.server = OddServer(self._behave, answer_pings=False)
        real = ending.cause_of

        def cause_of(error: BaseException) -> Cause:
            if not isinstance(error, EXPECTED):
                self._surprises.append(error)
            return real(error)

        monkeypatch.setattr(ending, "cause_of", cause_of)

    def check(self, answer: Answer) -> Measurement:
        """Let it be said to one test; the test must end in time, with a cause or with a count."""
        self._answer = answer
        kind = {"ping": PhaseKind.IDLE_LATENCY, "upload": PhaseKind.UPLOAD}.get(
            answer.to, PhaseKind.DOWNLOAD
        )
        plan = MeasurementPlan(
            self.server.url,
            mode=Mode.CALIBRATE,
            phases=(kind,),
            connections=1,
            idle_pings=2,
            max_duration_us=100_000,
            max_bytes=100_000,
            connect_timeout_us=500_000,
            stall_timeout_us=50_000,
            wake_up=False,
        )
        began_s = time.monotonic()
        measurement = measure(plan)
        assert time.monotonic() - began_s < LONGEST_S
        assert self._surprises == []
        assert [one for one in self._caplog.records if one.levelno >= logging.ERROR] == []
        assert (measurement.outcome is Outcome.FAILED) == (measurement.cause is not None)
        for phase in measurement.phases:
            assert (phase.outcome is Outcome.FAILED) == (phase.cause is not None)
            assert phase.estimate is None or (phase.payload_bytes > 0 and phase.cause is None)
            assert 0 <= phase.payload_bytes <= plan.max_bytes
            if phase.bins is not None:
                assert sum(phase.bins.byte_counts) == phase.payload_bytes
                assert len(phase.bins.byte_counts) < 1000
        if measurement.outcome is Outcome.COMPLETED and kind is not PhaseKind.IDLE_LATENCY:
            assert measurement.phases[-1].payload_bytes > 0
        self.causes.add(measurement.cause)
        return measurement

    def _behave(self, visit: Visit) -> None:
        answer = self._answer
        assert answer is not None
        addressed = visit.path.endswith("/" + answer.to)
        if visit.path.endswith("/ping") and not addressed:
            visit.pong()
        elif answer.to == "token" and not addressed:
            visit.head("401 Unauthorized", "Content-Length: 0")
        elif addressed:
            answer.say(visit)
        with suppress(OSError):
            visit.sock.shutdown(socket.SHUT_WR)


def check_malformed_answers(
    examples: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No hang, no crash, and a cause each time; the causes seen are several."""
    malformed = MalformedServer(caplog, monkeypatch)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    def check(answer: Answer) -> None:
        malformed.check(answer)

    with malformed.server:
        check()
    assert len(malformed.causes) >= 4, malformed.causes

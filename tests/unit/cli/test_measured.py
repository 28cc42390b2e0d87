"""A measurement in words: every language, and never a verdict where our own side was the limit."""

import re
from dataclasses import replace

import pytest

from fieldsurvey.cli import measured
from fieldsurvey.model.messages import LANGUAGES, Message
from fieldsurvey.model.throughput import (
    OWN_CAUSES,
    Cause,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from tests.support.store_values import a_watched_test

MEASUREMENT = a_watched_test(1).measurement


def judged(
    verdict: Verdict = Verdict.ABOVE,
    confidence: Confidence = Confidence.HIGH,
    layer: RateLayer = RateLayer.IP,
) -> Judgement:
    target = Target("command-line", "1", 100_000_000, layer)
    return Judgement(verdict, confidence, target, 121_540_000, "rule/1")


def failed(cause: Cause, retry_after_s: int | None = None) -> Measurement:
    return Measurement(
        *("native", Mode.CHECK, "http://192.0.2.1", Outcome.FAILED, 1, 0),
        cause=cause,
        retry_after_s=retry_after_s,
    )


def whole(said: Message, language: str) -> str:
    """The text, with no argument or id left open."""
    text = said.text(language)
    assert not re.search(r"[{}\[\]]", text), text
    return text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("confidence", list(Confidence))
def test_the_course_has_rate_interval_latency_bytes_and_confidence(
    language: str, confidence: Confidence
) -> None:
    loaded = replace(MEASUREMENT.phases[2], round_trips_us=(52_000, 61_000, 90_000))
    measurement = replace(MEASUREMENT, phases=(*MEASUREMENT.phases[:2], loaded))
    course = measured.course(measurement, judged(confidence=confidence), language)
    text = "\n".join(whole(said, language) for said in course)
    for figure in ("118 ", "109", "127", "41.0", "61.0", "25.0"):
        assert figure in text
    assert [said.id for said in course].count(f"cli.confidence_{confidence}") == 1
    assert course[-1].id == "cli.self_limits"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layer", list(RateLayer))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_names_rate_target_and_layer(
    language: str, layer: RateLayer, verdict: Verdict
) -> None:
    said = measured.result(MEASUREMENT, judged(verdict, layer=layer), 100.0, language)
    assert said.id == f"cli.verdict_{verdict}"
    text = whole(said, language)
    assert "121 " in text
    assert "100" in text
    assert ("IP" in text) is (layer is RateLayer.IP)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", list(SelfLimit))
def test_our_own_limit_is_no_verdict(language: str, limit: SelfLimit) -> None:
    measurement = replace(MEASUREMENT, self_check=SelfCheck(limits=(limit,)))
    said = measured.result(measurement, None, 100.0, language)
    assert said.id == "cli.verdict_self_limited"
    assert not {"▲", "▼", "◆", "✕"} & set(whole(said, language))
    course = measured.course(measurement, None, language)
    assert "cli.self_limits" not in {line.id for line in course}  # not twice


def test_without_limits_a_test_without_verdict_is_just_that() -> None:
    measurement = replace(MEASUREMENT, self_check=SelfCheck())
    assert measured.result(measurement, None, 100.0, "en").id == "cli.verdict_completed"
    bare = replace(MEASUREMENT, self_check=None)
    assert measured.result(bare, None, 100.0, "en").id == "cli.verdict_completed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_busy_server_says_when_to_come_back(language: str) -> None:
    said = measured.result(failed(Cause.SERVER_BUSY, 40), None, 100.0, language)
    assert "40" in whole(said, language)
    assert "✕" not in whole(said, language)
    assert measured.result(failed(Cause.SERVER_BUSY), None, 100, language).id == (
        "cli.verdict_spoiled"
    )


@pytest.mark.parametrize("cause", list(Cause))
def test_only_what_the_network_did_is_no_service(cause: Cause) -> None:
    said = measured.result(failed(cause), None, 100.0, "en")
    ours = cause in OWN_CAUSES
    assert said.id == ("cli.verdict_spoiled" if ours else "cli.verdict_failed")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_result_of_a_ping_is_its_latency(language: str) -> None:
    ping = replace(MEASUREMENT, mode=Mode.PING, phases=MEASUREMENT.phases[1:2])
    assert "41.0" in whole(measured.result(ping, None, 100.0, language), language)
    assert measured.course(ping, None, language) == []
    silent = replace(ping, phases=())
    assert measured.result(silent, None, 100.0, language).id == "cli.verdict_completed"


def test_a_phase_without_answers_tells_no_latency() -> None:
    silent = replace(MEASUREMENT, phases=(Phase(PhaseKind.IDLE_LATENCY, 0, 1, round_trips_lost=5),))
    assert [said.id for said in measured.course(silent, None, "en")] == ["cli.data_used"]

"""Sentences are found whatever is around them and however they are cut."""

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st
from pynmeagps import NMEAReader

from fieldsurvey.position.sentences import LONGEST_SENTENCE, SentenceFinder
from tests.support.position import a_drive, nmea

RMC = nmea("GPRMC,120000,A,4300.0000,N,07700.0000,E,0.0,0.0,101126,,,A")
GGA = nmea("GPGGA,120000,4300.0000,N,07700.0000,E,1,09,0.9,850.0,M,-40.0,M,,")

pieces = st.sampled_from(
    [
        RMC,
        GGA,
        RMC.strip(),
        b"$",
        b"*",
        b"\r\n",
        b"\x00\xff\xb5\x62",
        RMC[:20],
        GGA[9:],
        b"$GPGGA,*",
    ]
) | st.binary(max_size=40)


def found(chunks: list[bytes]) -> list[bytes]:
    finder = SentenceFinder()
    return [body for chunk in chunks for body in finder.feed(chunk)]


def test_glued_sentences_are_two() -> None:
    assert len(found([RMC.strip() + GGA.strip()])) == 2


def test_a_sentence_is_complete_with_its_checksum() -> None:
    assert found([GGA.strip()]) == [GGA.strip()[1:-3]]


def test_binary_between_sentences_does_no_harm() -> None:
    assert len(found([b"\xb5\x62\x01\x07$\x5c\x00" + RMC + b"\xa0\xa2$" + GGA])) == 2


def test_a_wrong_checksum_is_counted_and_dropped() -> None:
    finder = SentenceFinder()
    assert finder.feed(GGA.replace(b"4300", b"4301") + RMC) == [RMC.strip()[1:-3]]
    assert (finder.intact, finder.broken) == (1, 1)


def test_a_sentence_without_checksum_is_not_believed() -> None:
    assert found([GGA[:-5] + b"\r\n" + RMC]) == [RMC.strip()[1:-3]]


def test_an_endless_line_is_not_kept_in_memory() -> None:
    finder = SentenceFinder()
    for _ in range(1000):
        finder.feed(b"$" + b"A" * 100)
        finder.feed(b"B" * (LONGEST_SENTENCE + 1))
    assert len(finder._rest) <= LONGEST_SENTENCE + 4
    assert finder.feed(b"\r\n" + GGA) == [GGA.strip()[1:-3]]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(pieces, max_size=12), st.lists(st.integers(1, 30), min_size=1, max_size=9))
def test_chunking_never_changes_the_result(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    chunks, start, turn = [], 0, 0
    while start < len(stream):
        size = cuts[turn % len(cuts)]
        chunks.append(stream[start : start + size])
        start, turn = start + size, turn + 1
    assert found(chunks) == found([stream])


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, len(RMC + GGA) - 1), st.integers(1, 255))
def test_one_wrong_byte_never_passes(position: int, mask: int) -> None:
    stream = bytearray(RMC + GGA)
    stream[position] ^= mask
    intact = {RMC.strip()[1:-3], GGA.strip()[1:-3]}
    # A flipped bit in the case of a checksum digit is no damage.
    assert set(found([bytes(stream)])) <= intact


def test_pynmeagps_agrees_on_every_checksum() -> None:
    stream = b"".join(a_drive(30))
    bodies = found([stream])
    assert len(bodies) == 60
    for body in bodies:
        stated = reduce(lambda total, byte: total ^ byte, body)
        NMEAReader.parse(b"$" + body + f"*{stated:02X}\r\n".encode())  # raises where it disagrees

"""Access tokens: good for one test and a short while, at any server with the key."""

import pytest

from fieldsurvey.throughput.server.tokens import BadTokenError, Tokens

KEY = b"sixteen bytes or more"


class Clock:
    utc_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.utc_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(KEY, lifetime_s=60, skew_s=10, utc_s=clock)


def test_a_token_is_good_for_all_connections_of_one_test(tokens: Tokens) -> None:
    token, _ = tokens.issue()
    for _ in range(4):
        tokens.use(token, "first test")
    with pytest.raises(BadTokenError, match="another test"):
        tokens.use(token, "second test")


def test_it_ends_when_it_says(tokens: Tokens, clock: Clock) -> None:
    token, expires_us = tokens.issue()
    assert expires_us == int((clock.utc_s + 60) * 1e6)
    clock.utc_s += 69.9  # its own clock may be behind by the skew
    tokens.use(token, "test")
    clock.utc_s += 0.2
    with pytest.raises(BadTokenError, match="run out"):
        tokens.use(token, "test")


def test_a_sister_with_the_same_key_takes_it_and_clocks_may_differ(clock: Clock) -> None:
    ahead, behind = Clock(), Clock()
    ahead.utc_s += 9
    behind.utc_s -= 2
    token, _ = Tokens(KEY, 60, 10, utc_s=ahead).issue()
    with pytest.raises(BadTokenError, match="clock"):
        Tokens(KEY, 60, 10, utc_s=behind).read(token)
    assert Tokens(KEY, 60, 10, utc_s=clock).read(token)


def test_another_key_is_another_server(tokens: Tokens, clock: Clock) -> None:
    token, _ = tokens.issue()
    for key in (b"another sixteen bytes", None):
        with pytest.raises(BadTokenError, match="not one of ours"):
            Tokens(key, utc_s=clock).read(token)


def test_a_sister_cannot_give_longer_leave_than_we_do(tokens: Tokens, clock: Clock) -> None:
    token, _ = Tokens(KEY, lifetime_s=86_400, utc_s=clock).issue()
    with pytest.raises(BadTokenError, match="too long"):
        tokens.read(token)


def test_no_character_can_be_changed(tokens: Tokens) -> None:
    token, _ = tokens.issue()
    name = tokens.read(token)
    for at in range(len(token)):
        other = "A" if token[at] != "A" else "B"
        forged = token[:at] + other + token[at + 1 :]
        try:
            # the last character of a base64 text may differ in bits that mean nothing
            assert tokens.read(forged) == name
            assert at in (token.index(".") - 1, len(token) - 1)
        except BadTokenError:
            pass


@pytest.mark.parametrize("token", ["", ".", "a.b", "é.é", "=.=", "A" * 5000, "e30.e30", "\0"])
def test_what_is_no_token(tokens: Tokens, token: str) -> None:
    with pytest.raises(BadTokenError, match="not one of ours"):
        tokens.read(token)


def test_memory_is_bounded_and_comes_back(clock: Clock) -> None:
    tokens = Tokens(KEY, lifetime_s=60, skew_s=10, most_ids=100, utc_s=clock)
    for number in range(100):
        tokens.use(tokens.issue()[0], number)
    with pytest.raises(BadTokenError, match="too many"):
        tokens.use(tokens.issue()[0], "one more")
    clock.utc_s += 71
    tokens.use(tokens.issue()[0], "one more")
    assert len(tokens) == 1

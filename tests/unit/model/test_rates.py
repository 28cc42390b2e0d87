"""How a rate is told: three figures, never rounded up over a target, never 0.0."""

import pytest

from fieldsurvey.model.rates import mbps_text


@pytest.mark.parametrize(
    ("rate_bps", "text"),
    [
        (0, "<0.01"),
        (1_036, "<0.01"),
        (43_900, "0.04"),
        (999_999, "0.99"),
        (8_765_000, "8.76"),
        (87_300_000, "87.3"),
        (99_960_000, "99.9"),
        (100_000_000, "100"),
        (1_234_567_890, "1230"),
    ],
)
def test_it_does_not_flatter_and_is_never_nothing(rate_bps: float, text: str) -> None:
    assert mbps_text(rate_bps) == text

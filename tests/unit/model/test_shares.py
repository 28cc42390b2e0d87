import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fieldsurvey.model.shares import whole_interval, whole_percent


@pytest.mark.parametrize(
    ("share", "percent"),
    [(0.0, 0), (0.004, 0), (0.625, 62), (0.666, 67), (0.999_9, 99), (1.0, 100)],
)
def test_all_is_said_of_all_only(share: float, percent: int) -> None:
    assert whole_percent(share) == percent


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.6075, 1.0, (60, 100)),
        (0.919_999, 0.9962, (91, 100)),
        (0.29, 0.57, (29, 57)),
        (0.0, 0.0001, (0, 1)),
        (1.0, 1.0, (100, 100)),
    ],
)
def test_an_interval_is_never_told_narrower_than_it_is(
    low: float, high: float, told: tuple[int, int]
) -> None:
    assert whole_interval(low, high) == told


@example(1.0, 1 - 2**-53, 1 - 2**-53)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_share_lies_in_its_interval_as_both_are_told(a: float, b: float, c: float) -> None:
    low, share, high = sorted((a, b, c))
    first, last = whole_interval(low, high)
    assert 0 <= first <= whole_percent(share) <= last <= 100

import pytest

from fieldsurvey.model.shares import whole_percent


@pytest.mark.parametrize(
    ("share", "percent"),
    [(0.0, 0), (0.004, 0), (0.625, 62), (0.666, 67), (0.999_9, 99), (1.0, 100)],
)
def test_all_is_said_of_all_only(share: float, percent: int) -> None:
    assert whole_percent(share) == percent

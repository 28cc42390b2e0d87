"""Ten thousand roads per condition with known truth: errors, and tests against a fixed plan."""

import pytest

from fieldsurvey.analysis.targets import judged_by
from tests.support.verdict_roads import (
    CONDITIONS,
    drive_roads,
    fixed_sample_size,
    usual_sample_size,
)

pytestmark = pytest.mark.bench
ROADS = 10_000


@pytest.mark.parametrize("share", CONDITIONS)
def test_error_rates_and_tests(share: float) -> None:
    rule = judged_by()
    driven = drive_roads(share, ROADS, rule)
    exact, usual = fixed_sample_size(rule), usual_sample_size(rule)
    print(  # noqa: T201 - the figures are what this is for
        f"\nshare above {share:.2f}: above {100 * driven.above:.2f} %, below "
        f"{100 * driven.below:.2f} %; {driven.mean_tests:.1f} tests on average "
        f"({100 * (1 - driven.mean_tests / usual):.0f} % fewer than the usual {usual}, "
        f"{100 * (1 - driven.mean_tests / exact):.0f} % than the exact {exact}), at most "
        f"{driven.most_tests}; after as many again above {100 * driven.after_more_above:.2f} %, "
        f"below {100 * driven.after_more_below:.2f} %"
    )
    driven.check(rule)

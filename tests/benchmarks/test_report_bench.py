"""A million seconds with twenty thousand tests are printed in twenty seconds; where they go."""

import itertools
import time
from pathlib import Path

import pytest

from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.targets import judged_by
from fieldsurvey.report.findings import find
from fieldsurvey.report.subject import Everything, Highway, Programme, Subject
from fieldsurvey.report.typesetting import typeset
from fieldsurvey.report.wording import Wording
from fieldsurvey.report.writing import compose, write_report
from tests.support.analysis_rows import NOW_UTC_US
from tests.support.report_survey import REF, places, repeated, two_operators

pytestmark = pytest.mark.bench
LIMIT_S = 20.0


@pytest.mark.parametrize("subject", [Highway(REF), Everything(), Programme()])
def test_a_million_seconds(tmp_path: Path, subject: Subject) -> None:
    m = repeated(two_operators(), 1_000_000, 20_000)
    country = places()
    began = time.perf_counter()
    written = write_report(
        m, subject, tmp_path / "x.pdf", places=country, language="en", now_utc_us=NOW_UTC_US
    )
    took_s = time.perf_counter() - began
    marks = [time.perf_counter()]
    findings = find(m, subject, judged_by(), Scope(), NOW_UTC_US)
    marks.append(time.perf_counter())
    document = compose(findings, country, Wording("en"))
    marks.append(time.perf_counter())
    typeset(document)
    marks.append(time.perf_counter())
    judging, composing, setting = (b - a for a, b in itertools.pairwise(marks))
    print(  # noqa: T201 - the figures are what this is for
        f"\n{type(subject).__name__}: {len(m.samples)} seconds, {written.tests} tests in"
        f" {took_s:.1f} s; again: judged {judging:.1f} s, composed {composing:.1f} s,"
        f" set {setting:.1f} s; {written.bytes_written / 1e6:.1f} MB"
    )
    assert took_s < LIMIT_S

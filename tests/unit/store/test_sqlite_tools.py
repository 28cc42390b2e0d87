"""What a start of ours loads."""

import subprocess
import sys

import pytest


def test_no_start_loads_pandas_and_whoever_needs_it_may() -> None:
    pytest.importorskip("pandas")
    program = (
        "import sys, fieldsurvey.store.survey_file; assert 'pandas' not in sys.modules;"
        "import pandas; print(pandas.DataFrame({'a': [1]}).a[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "1\n"

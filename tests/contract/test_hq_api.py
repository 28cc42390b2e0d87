"""HQ's own description of its API, fed to a machine that asks for everything in every way.

No answer may be a bug (500); each must be one that the description names, in its form.
"""

import subprocess
import sys
from pathlib import Path

from tests.support.hq_server import enrolled, make_home, running

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
SCHEMATHESIS = Path(sys.executable).parent / "st"


def test_every_answer_is_one_that_the_description_names(tmp_path: Path) -> None:
    with running(make_home(tmp_path / "hq"), "--no-merge") as server:
        (laptop,) = enrolled(server.home)
        done = subprocess.run(
            [
                *(str(SCHEMATHESIS), "run", f"http://127.0.0.1:{server.port}/openapi.json"),
                *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing"),
                *("-H", f"Authorization: Bearer {laptop.token}"),
                *("--max-examples", "15", "--generation-database", "none", "--no-color"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=240,
            check=False,
        )
        assert server.process.poll() is None
    assert done.returncode == 0, done.stdout
    assert "14 selected / 14 total" in done.stdout

from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.verdict import RateLayer
from fieldsurvey.throughput.targets import load_targets


def test_the_national_target_ships_with_the_product() -> None:
    target = load_targets()["national-100"]
    assert target.rate_bps == 100_000_000
    assert target.layer is RateLayer.IP
    assert target.version


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('version = "7"\n[targets.village]\nrate_bps = 50_000_000\nlayer = "goodput"\n')
    targets = load_targets(path)
    assert [(target.id, target.version) for target in targets.values()] == [("village", "7")]


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all [",
        "[targets.x]\nrate_bps = 1\nlayer = 'ip'\n",
        "version = '1'\n[targets.x]\nrate_bps = -1\nlayer = 'ip'\n",
        "version = '1'\n[targets.x]\nrate_bps = 1\nlayer = 'wire'\n",
        "version = '1'\ntargets = 3\n",
    ],
)
def test_a_broken_file_is_a_known_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(KnownError) as caught:
        load_targets(path)
    assert str(path) in str(caught.value)

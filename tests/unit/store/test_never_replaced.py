"""Nothing that is made of surveys takes the place of one, whatever it is called."""

from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.never_replaced import refuse_survey
from fieldsurvey.store.survey_file import SurveyFile


@pytest.mark.parametrize("name", ["a.fsurvey", "a.csv"])
def test_a_survey_is_told_by_its_head(tmp_path: Path, name: str) -> None:
    SurveyFile.create(tmp_path / "made.fsurvey").close()
    path = (tmp_path / "made.fsurvey").rename(tmp_path / name)
    with pytest.raises(KnownError) as refused:
        refuse_survey(path)
    assert refused.value.message.id == "store.never_replaced"


def test_an_encrypted_one_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    with pytest.raises(KnownError):
        refuse_survey(path)  # whoever opened it later would be told that it is damaged
    path.write_bytes(bytes(range(256)))
    with pytest.raises(KnownError):
        refuse_survey(path)


@pytest.mark.parametrize("content", [b"", b"highway,km\n", b"SQLite format 3\0" + bytes(100)])
def test_anything_else_may_be_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    refuse_survey(path)
    path.write_bytes(content)
    refuse_survey(path)
    refuse_survey(tmp_path)
    refuse_survey(path / "below a file")

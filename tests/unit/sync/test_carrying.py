"""The stick: everything without a receipt goes on it, and only true receipts count."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.carrying import Bundled, Taken, bundle, take_receipts
from fieldsurvey.wire.batch import SealedBatch, parse_batch
from fieldsurvey.wire.bundle import read_bundle, write_receipts
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.receipt import ReceiptState
from tests.support.sync_batches import DEVICE, receipt
from tests.support.sync_survey import KEY, make_survey, seal_some

HQ_KEY = Ed25519PrivateKey.generate()
EPOCH = "e" * 16


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    with make_survey(tmp_path / "a.fsurvey", 20) as made:
        seal_some(made, 4, 3)
        yield made


def write(survey: SurveyFile, path: Path) -> tuple[Bundled | None, list[SealedBatch]]:
    done = bundle(Outbox(survey), path, DEVICE, KEY, 0, lambda: "f" * 16)
    return done, [parse_batch(content) for content in read_bundle(path)] if done else []


def take(survey: SurveyFile, path: Path) -> Taken:
    key = HQ_KEY.public_key()
    return take_receipts(Outbox(survey), path, DEVICE, key, 0, lambda: "f" * 16)


def test_all_without_a_receipt_is_carried_parked_ones_included(
    survey: SurveyFile, tmp_path: Path
) -> None:
    outbox = Outbox(survey)
    outbox.park(BatchId(EPOCH, 1), message("sync.refused"), 0)
    first = parse_batch(outbox.content(BatchId(EPOCH, 0)) or b"")
    outbox.acknowledge(BatchId(EPOCH, 0), receipt(first, HQ_KEY), 0)
    done, batches = write(survey, tmp_path / "a.fspb")
    assert done == Bundled(4, 17, 0)
    assert [one.header.batch_no for one in batches] == [1, 2, 3, 4]
    assert outbox.progress().acknowledged_batches == 1
    assert outbox.progress().parked_batches == 1


def test_receipts_acknowledge_once(survey: SurveyFile, tmp_path: Path) -> None:
    _, batches = write(survey, tmp_path / "a.fspb")
    write_receipts(tmp_path / "r", [receipt(one, HQ_KEY, at) for at, one in enumerate(batches)])
    assert take(survey, tmp_path / "r") == Taken(acknowledged=5)
    assert take(survey, tmp_path / "r") == Taken(known=5)
    assert Outbox(survey).progress().acknowledged_rows == 20
    assert write(survey, tmp_path / "b.fspb") == (None, [])
    assert not (tmp_path / "b.fspb").exists()


def test_no_other_paper_counts(survey: SurveyFile, tmp_path: Path) -> None:
    _, batches = write(survey, tmp_path / "a.fspb")
    forged = receipt(batches[0], KEY)
    other_survey = receipt(batches[1], HQ_KEY)
    object.__setattr__(other_survey.receipt, "epoch", "9" * 16)
    write_receipts(tmp_path / "r", [forged, other_survey])
    assert take(survey, tmp_path / "r") == Taken(wrong=1, others=1)
    assert Outbox(survey).progress().acknowledged_batches == 0


def test_of_a_damaged_receipts_file_what_can_be_read_counts(
    survey: SurveyFile, tmp_path: Path
) -> None:
    _, batches = write(survey, tmp_path / "a.fspb")
    path = tmp_path / "r"
    write_receipts(path, [receipt(one, HQ_KEY, at) for at, one in enumerate(batches)])
    path.write_bytes(path.read_bytes()[:-700])
    taken = take(survey, path)
    assert 0 < taken.acknowledged < 5
    assert taken.problem is not None
    path.write_bytes(b"none")
    with pytest.raises(KnownError) as caught:
        take(survey, path)
    assert caught.value.message.id == "sync.receipts_unreadable"


def test_a_conflict_on_paper_opens_a_new_epoch_too(survey: SurveyFile, tmp_path: Path) -> None:
    _, batches = write(survey, tmp_path / "a.fspb")
    conflict = receipt(batches[4], HQ_KEY, state=ReceiptState.CONFLICT)
    write_receipts(tmp_path / "r", [conflict])
    take(survey, tmp_path / "r")
    epoch = Outbox(survey).epoch()
    assert epoch is not None
    assert (epoch.epoch, epoch.reason) == ("f" * 16, "conflict")


def test_a_stick_that_is_full_leaves_everything(survey: SurveyFile, tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        write(survey, tmp_path / "no folder" / "a.fspb")
    assert caught.value.message.id == "sync.bundle_unwritable"
    assert Outbox(survey).progress().waiting_batches == 5

"""Silence, garbage, no fix and an unplugged receiver are told apart, each reported once."""

from fieldsurvey.model.messages import catalogue, message
from fieldsurvey.model.position import Fix, FixType, PositionTrouble, TroubleKind
from fieldsurvey.position.stream import Moment
from fieldsurvey.position.watch import Report, Watch
from tests.support.position import troubles

S = 1_000_000


def at(second: float) -> Moment:
    return Moment(int(second * S) + 7, int(second * S))


def a_fix(second: float) -> Fix:
    moment = at(second)
    return Fix(moment.utc_us, moment.mono_us, 43.0, 77.0, FixType.FIX_3D)


class Told:
    """A watch and everything it reported, driven by seconds."""

    def __init__(self) -> None:
        self.watch = Watch("the receiver", at(0))
        self.reports: list[Report] = []

    def bytes(self, second: float, *, understood: bool = True) -> None:
        self.watch.heard(at(second), understood)
        self.reports += self.watch.tick(at(second))

    def fix(self, second: float) -> None:
        self.watch.heard(at(second), True)
        self.reports += self.watch.take([a_fix(second)], at(second))
        self.tick(second)

    def void(self, second: float) -> None:
        self.watch.heard(at(second), True)
        self.reports += self.watch.take([None], at(second))
        self.tick(second)

    def tick(self, second: float) -> None:
        self.reports += self.watch.tick(at(second))


def test_silence_is_reported_after_three_seconds_and_once() -> None:
    told = Told()
    told.fix(1)
    told.tick(3.9)
    assert troubles(told.reports) == []
    for second in (4, 5, 60):
        told.tick(second)
    assert troubles(told.reports) == [TroubleKind.SILENT]
    assert isinstance(trouble := told.reports[-1], PositionTrouble)
    assert (trouble.utc_us, trouble.mono_us) == at(4)


def test_garbage_is_not_silence() -> None:
    told = Told()
    for second in range(10):
        told.bytes(second, understood=False)
    assert troubles(told.reports) == [TroubleKind.GARBAGE]


def test_void_is_no_fix_at_once() -> None:
    told = Told()
    told.void(0.1)
    told.void(1.1)
    assert troubles(told.reports) == [TroubleKind.NO_FIX]


def test_a_receiver_that_talks_of_satellites_only_has_no_fix() -> None:
    told = Told()
    for second in range(5):
        told.bytes(second)
    assert troubles(told.reports) == [TroubleKind.NO_FIX]


def test_a_void_right_behind_a_fix_is_part_of_it() -> None:
    told = Told()
    for second in range(5):
        told.fix(second)
        told.void(second + 0.2)
    assert troubles(told.reports) == []


def test_a_fix_ends_trouble_and_the_next_loss_is_reported_again() -> None:
    told = Told()
    told.void(1)
    told.fix(2)
    told.void(3)
    told.tick(7)
    told.bytes(8, understood=False)
    told.fix(9)
    assert troubles(told.reports) == [TroubleKind.NO_FIX, TroubleKind.NO_FIX, TroubleKind.SILENT]


def test_the_first_bytes_after_silence_are_not_yet_garbage() -> None:
    told = Told()
    told.fix(1)
    told.tick(4)
    told.bytes(10, understood=False)  # the beginning of a sentence
    told.bytes(10.1)  # the sentence, of a moment still incomplete
    told.fix(10.2)
    assert troubles(told.reports) == [TroubleKind.SILENT]


def test_unplugged_then_silent_then_back() -> None:
    told = Told()
    told.fix(1)
    told.reports += told.watch.gone(message("position.unplugged", source="x"), at(2))
    told.reports += told.watch.gone(message("position.no_port", source="x"), at(3))
    told.watch.connected(at(10))
    told.tick(12)
    told.tick(13)
    told.fix(14)
    assert troubles(told.reports) == [TroubleKind.UNPLUGGED, TroubleKind.SILENT]


def test_every_trouble_is_told_in_three_languages() -> None:
    ids = [id_ for id_ in catalogue() if id_.startswith("position.")]
    kinds = {f"position.{kind.value}" for kind in TroubleKind}
    assert kinds <= set(ids)
    for id_ in ids:
        texts = [message(id_).text(language) for language in ("en", "kk", "ru")]
        assert len(set(texts)) == 3
        arguments = [{part.split("}")[0] for part in text.split("{")[1:]} for text in texts]
        assert arguments[0] == arguments[1] == arguments[2], id_

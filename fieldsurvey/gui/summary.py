"""What this drive has gathered so far, in two lines."""

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.fitting import FittedLabel
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.place import Place


class DriveSummary(QWidget):
    """Distance, tests by result, data used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts: Texts | None = None
        self._counts = FittedLabel(19, bold=True)
        self._data = FittedLabel(17)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self._counts)
        self._layout.addWidget(self._data)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_look(self, look: Look) -> None:
        self._texts = look.texts
        self._layout.setContentsMargins(look.px(12), 0, look.px(12), 0)
        self._layout.setSpacing(0)
        self._counts.set_look(look, look.theme.ink)
        self._data.set_look(look, look.theme.soft_ink)

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        if self._texts is None:
            return
        texts, counts = self._texts, snapshot.counts
        self._counts.show_text(
            texts.tr(
                "counts",
                km=texts.number(counts.distance_m / 1000, 1),
                tests=texts.number(counts.tests),
                above=texts.number(counts.above),
                below=texts.number(counts.below),
                undecided=texts.number(counts.undecided),
                no_service=texts.number(counts.no_service),
            )
        )
        used = texts.bytes(snapshot.budget_used_bytes)
        budget = texts.bytes(snapshot.budget_bytes)
        self._data.show_text(texts.tr("data_today", used=used, budget=budget))


def place_line(texts: Texts, place: Place | None) -> str:
    """Return where the car is in a road engineer's words, or that it is on no known road."""
    if place is None:
        return ""
    parts = []
    if place.highway_ref is not None:
        parts.append(place.highway_ref)
        if place.kilometre_post is not None:
            parts.append(texts.tr("km_post", km=texts.number(place.kilometre_post)))
    if place.settlement_name is not None:
        inside = place.settlement_distance_m == 0 or place.settlement_distance_m is None
        parts.append(
            place.settlement_name
            if inside
            else texts.tr(
                "near",
                name=place.settlement_name,
                km=texts.number((place.settlement_distance_m or 0.0) / 1000, 1),
            )
        )
    return " · ".join(parts) or texts.tr("no_road")

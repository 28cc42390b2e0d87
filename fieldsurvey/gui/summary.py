"""What this drive has gathered so far, in two lines."""

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot, LinkBudget
from fieldsurvey.gui.fitting import FittedLabel
from fieldsurvey.gui.lines import budget_line
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.place import Place

SCARCE_FROM = 0.9  # part of a budget from which on it is told in the colour of a warning


class DriveSummary(QWidget):
    """Distance, tests by result, data used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._scarce: bool | None = None
        self._counts = FittedLabel(19, bold=True)
        self._data = FittedLabel(17)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self._counts)
        self._layout.addWidget(self._data)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_look(self, look: Look) -> None:
        self._look, self._scarce = look, None
        self._layout.setContentsMargins(look.px(12), 0, look.px(12), 0)
        self._layout.setSpacing(0)
        self._counts.set_look(look, look.theme.ink)

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        if self._look is None:
            return
        texts, counts = self._look.texts, snapshot.counts
        self._counts.show_text(
            texts.tr(
                "counts",
                km=texts.number(counts.distance_m / 1000, 1),
                tests=texts.number(counts.tally.tests),
                above=texts.number(counts.tally.above),
                below=texts.number(counts.tally.below),
                undecided=texts.number(counts.tally.undecided),
                no_service=texts.number(counts.tally.no_service),
                silent=texts.number(counts.tally.silent),
            )
        )
        self._data.show_text(budget_line(texts, snapshot))
        self._mark_scarcity(snapshot.budget)

    def _mark_scarcity(self, budget: LinkBudget | None) -> None:
        """Let the data stand out where little is left; the words say the rest."""
        scarce = budget is not None and (
            budget.at_cap is not None or budget.used_part >= SCARCE_FROM
        )
        if self._look is not None and scarce is not self._scarce:
            self._scarce = scarce
            theme = self._look.theme
            self._data.set_look(self._look, theme.degraded if scarce else theme.soft_ink)


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

"""All charts in one panel: one is seen at a time, and all follow the one selection."""

from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.along import Axis
from fieldsurvey.gui.workbench.along_chart import AlongChart
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.distribution_chart import DistributionChart
from fieldsurvey.gui.workbench.event_chart import EventChart
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.latency_chart import LatencyChart
from fieldsurvey.gui.workbench.pairs_chart import PairsChart
from fieldsurvey.gui.workbench.rate_chart import RateChart
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.gui.workbench.signal_chart import SignalChart


class Charts(QWidget):
    """Attributes:
    rate, latency, signal, distribution, pairs, event_chart: the charts.
    axis: what the first two run along.
    """

    def __init__(self, model: SelectionModel, jobs: Jobs) -> None:
        super().__init__()
        self.axis = Axis.TIME
        self.rate, self.latency = RateChart(model), LatencyChart(model)
        self.signal, self.distribution = SignalChart(model), DistributionChart(model)
        self.pairs, self.event_chart = PairsChart(model, jobs), EventChart(model, jobs)
        self.all: list[Chart] = [
            self.rate, self.latency, self.signal, self.distribution, self.pairs, self.event_chart,
        ]  # fmt: skip
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        # Never narrower than its names: behind arrows nobody looks for a chart.
        self.tabs.setUsesScrollButtons(False)
        for chart in self.all:
            self.tabs.addTab(chart, "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)

    def set_look(self, look: Look) -> None:
        self.tabs.setAccessibleName(look.texts.tr("wb_charts"))
        for number, chart in enumerate(self.all):
            self.tabs.setTabText(number, look.texts.tr(f"{chart.name_id}_tab"))
            self.tabs.setTabToolTip(number, look.texts.tr(chart.name_id))
            chart.set_look(look)

    def flip_axis(self) -> None:
        """Time, road, time."""
        self.axis = Axis.ROAD if self.axis is Axis.TIME else Axis.TIME
        for chart in self.all:
            if isinstance(chart, AlongChart):
                chart.set_axis(self.axis)

    def current(self) -> Chart:
        """Return the chart that is seen."""
        return self.all[self.tabs.currentIndex()]

    def show_by_action(self, do: Do) -> None:
        """Bring the chart of an action to the front."""
        chart = {
            Do.CHART_RATE: self.rate,
            Do.CHART_LATENCY: self.latency,
            Do.CHART_SIGNAL: self.signal,
            Do.CHART_DISTRIBUTION: self.distribution,
            Do.CHART_PAIRS: self.pairs,
            Do.CHART_EVENT: self.event_chart,
        }[do]
        self.tabs.setCurrentWidget(chart)
        chart.setFocus()

    def show_selected(self) -> None:
        """Zoom the chart that is seen to what is selected."""
        chart = self.current()
        if isinstance(chart, AlongChart):
            chart.show_selected()

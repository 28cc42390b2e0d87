"""The words and numbers on screen, in the language the surveyor chose.

One object is handed to every widget, so that switching the language is a matter of painting
again. Must not be used for files: those are in C locale and UTC.
"""

import math

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from fieldsurvey.model.messages import LANGUAGES, Message, message
from fieldsurvey.model.rates import LEAST_MBPS, cut_mbps

_LOCALES = {"en": "en_GB", "kk": "kk_KZ", "ru": "ru_RU"}


def chosen_language(wanted: str | None) -> str:
    """Return ``wanted``, or the desktop's language where we speak it, or English."""
    if wanted in LANGUAGES:
        return str(wanted)
    system = QLocale.system().name()[:2]
    return system if system in LANGUAGES else "en"


class Texts:
    """Turns message ids and numbers into what is read on screen, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = QLocale(_LOCALES.get(language, "en_GB"))

    @property
    def locale(self) -> QLocale:
        """What fields that numbers are typed into are to go by."""
        return self._locale

    def next_language(self) -> "Texts":
        """Return the same in the next language: English, Kazakh, Russian, English."""
        index = LANGUAGES.index(self.language)
        return Texts(LANGUAGES[(index + 1) % len(LANGUAGES)])

    def tr(self, id: str, /, **args: object) -> str:  # noqa: A002 - it is the id
        """Return the text of ``gui.<id>``."""
        return message(f"gui.{id}", **args).text(self.language)

    def say(self, told: Message) -> str:
        """Return the text of a message from the core."""
        # A number must not part from its sign where a line breaks.
        return told.text(self.language).replace(" %", "\u00a0%")

    def number(self, value: float, decimals: int = 0) -> str:
        """Return ``value`` with the language's own decimal sign."""
        return self._locale.toString(float(value), "f", decimals)

    def rate(self, mbps: float) -> str:
        """Return a rate as :func:`fieldsurvey.model.rates.cut_mbps` cuts it."""
        if mbps < LEAST_MBPS:
            return "<" + self.number(LEAST_MBPS, 2)
        return self.number(*cut_mbps(mbps))

    def span(self, seconds: float) -> str:
        """Return a length of time in the largest unit that tells it: "12 s", "4 min", "2 h"."""
        if seconds < 100:
            return self.tr("seconds", n=self.number(max(0.0, math.floor(seconds))))
        if seconds < 100 * 60:
            return self.tr("minutes", n=self.number(math.floor(seconds / 60)))
        return self.tr("hours", n=self.number(math.floor(seconds / 3600)))

    def bytes(self, count: int) -> str:
        """Return an amount of data in MB or GB (decimal, as operators sell it)."""
        if count < 1_000_000_000:
            return self.tr("megabytes", n=self.number(count / 1e6))
        return self.tr("gigabytes", n=self.number(count / 1e9, 1))


class QtTexts:
    """Qt's own texts (file dialogs and the like) in our language, where Qt brings them."""

    def __init__(self) -> None:
        self._translator: QTranslator | None = None

    def switch(self, language: str) -> None:
        """Load the texts of ``language`` instead of those loaded before."""
        self.remove()
        application = QCoreApplication.instance()
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        translator = QTranslator()
        if application is not None and translator.load(f"qtbase_{language}", folder):
            application.installTranslator(translator)
            self._translator = translator

    def remove(self) -> None:
        application = QCoreApplication.instance()
        if application is not None and self._translator is not None:
            application.removeTranslator(self._translator)
        self._translator = None

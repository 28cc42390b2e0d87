"""What the window remembers from one day to the next: its shape, files, views, palette, language.

Nothing that was measured or judged is in here; losing the file loses comfort only.
"""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

_LAYOUT = 1  # of panels; another number forgets shapes that would not fit
_MOST_RECENT = 12


class Settings:
    def __init__(self, path: Path) -> None:
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)
        if self._settings.value("layout/version", 0, int) != _LAYOUT:
            self._settings.remove("layout")
            self._settings.setValue("layout/version", _LAYOUT)

    # Shape

    def shape(self, name: str) -> QByteArray | None:
        value = self._settings.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else None

    def keep_shape(self, name: str, state: QByteArray) -> None:
        self._settings.setValue(f"layout/{name}", state)

    # Words

    def word(self, name: str) -> str | None:
        value = self._settings.value(f"words/{name}")
        return str(value) if value else None

    def keep_word(self, name: str, word: str) -> None:
        self._settings.setValue(f"words/{name}", word)

    # Files

    def recent(self) -> list[Path]:
        """Return what was opened, the newest first, whether it is still there or not."""
        return [Path(text) for text in self._list("recent")]

    def opened(self, path: Path) -> None:
        others = [known for known in self.recent() if known != path]
        self._keep_list("recent", [str(known) for known in [path, *others][:_MOST_RECENT]])

    # Views

    def views(self) -> dict[str, str]:
        """Return saved views: name → text of filters."""
        return dict(zip(self._list("view_names"), self._list("view_texts"), strict=False))

    def keep_view(self, name: str, text: str) -> None:
        self._keep_views(self.views() | {name: text})

    def forget_view(self, name: str) -> None:
        self._keep_views({known: text for known, text in self.views().items() if known != name})

    def rename_view(self, name: str, wanted: str) -> None:
        """Give a view another name, where it stands; another of that name is forgotten."""
        others = {known: text for known, text in self.views().items() if known != wanted}
        self._keep_views(
            {wanted if known == name else known: text for known, text in others.items()}
        )

    def _keep_views(self, views: dict[str, str]) -> None:
        self._keep_list("view_names", list(views))
        self._keep_list("view_texts", list(views.values()))

    def _list(self, name: str) -> list[str]:
        count = self._settings.beginReadArray(name)
        values = []
        for index in range(count):
            self._settings.setArrayIndex(index)
            values.append(str(self._settings.value("value", "")))
        self._settings.endArray()
        return values

    def _keep_list(self, name: str, values: list[str]) -> None:
        self._settings.remove(name)
        self._settings.beginWriteArray(name, len(values))
        for index, value in enumerate(values):
            self._settings.setArrayIndex(index)
            self._settings.setValue("value", value)
        self._settings.endArray()

    def write(self) -> None:
        """Put it on the disk now."""
        self._settings.sync()

"""A PDF as another program sees it: poppler's tools."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="poppler-utils is not installed"
)


@dataclass(frozen=True)
class Word:
    """Points from the top left of its page."""

    page: int
    text: str
    left: float
    top: float
    right: float
    bottom: float


def text_of(path: Path) -> str:
    """Return all text in reading order, with spaces made plain and hyphens at line ends undone."""
    text = _run("pdftotext", path, "-")
    return re.sub(r"\s+", " ", re.sub(r"[-\u2010]\n", "", text))


def pages_of(path: Path) -> list[str]:
    return _run("pdftotext", path, "-").split("\f")[:-1]


def words_of(path: Path) -> list[Word]:
    """Return every word with its box."""
    found, page = [], 0
    pattern = re.compile(
        r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>'
    )
    for line in _run("pdftotext", "-bbox", path, "-").splitlines():
        page += "<page " in line
        for left, top, right, bottom, text in pattern.findall(line):
            found.append(Word(page, text, float(left), float(top), float(right), float(bottom)))
    return found


def fonts_of(path: Path) -> list[tuple[str, bool]]:
    """Return name and "is embedded" of each font."""
    rows = [line.split() for line in _run("pdffonts", path).splitlines()[2:]]
    return [(row[0], row[-5] == "yes") for row in rows]  # name, …, emb, sub, uni, object, id


def info_of(path: Path) -> dict[str, str]:
    pairs = (line.partition(":") for line in _run("pdfinfo", path).splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def pictures_of(path: Path, folder: Path, dpi: int = 40) -> list[npt.NDArray[np.uint8]]:
    """Return each page as an array of grey, row by row."""
    _run("pdftoppm", "-gray", "-r", str(dpi), path, folder / "page")
    found = []
    for file in sorted(folder.glob("page-*.pgm")):
        kind, size, _, pixels = file.read_bytes().split(b"\n", 3)
        assert kind == b"P5"
        wide, high = map(int, size.split())
        found.append(np.frombuffer(pixels, np.uint8).reshape(high, wide))
    return found


def _run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()

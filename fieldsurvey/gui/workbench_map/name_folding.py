"""Names of Kazakhstan folded to plain letters, the same whatever alphabet they are written in.

What two spellings of one name have in common must come out equal; that some different names do as
well is no harm, as people see what was found. Must not be used to decide that two places are one.
"""

import functools
import re
import unicodedata

# Cyrillic, and the letters of Latin Kazakh that are more than a letter with a mark.
_LETTERS = {
    "а": "a", "ә": "a", "б": "b", "в": "v", "г": "g", "ғ": "g", "д": "d", "е": "e", "ё": "e",
    "ж": "j", "з": "z", "и": "i", "й": "i", "к": "k", "қ": "k", "л": "l", "м": "m", "н": "n",
    "ң": "n", "о": "o", "ө": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ұ": "u",
    "ү": "u", "ф": "f", "х": "h", "һ": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "",
    "ы": "i", "і": "i", "ь": "", "э": "e", "ю": "iu", "я": "ia",
    "ı": "i", "ş": "sh", "ç": "ch",
}  # fmt: skip
# Longer ones first; Latin spellings of Kazakh and Russian names differ in these.
_LATIN = (
    ("shch", "sh"), ("tsh", "ch"), ("dzh", "j"), ("zh", "j"), ("kh", "h"), ("gh", "g"),
    ("ng", "n"), ("ts", "c"), ("ck", "k"), ("q", "k"), ("w", "u"), ("x", "ks"), ("y", "i"),
)  # fmt: skip
_ALIKE = (("ie", "e"), ("ii", "i"), ("uu", "u"))


@functools.lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return ``text`` in small plain letters and figures, its words parted by one blank."""
    composed = unicodedata.normalize("NFC", text.casefold())
    letters = unicodedata.normalize("NFKD", "".join(map(_latin, composed)))
    # Marks and apostrophes vanish; what else is no letter parts words.
    plain = "".join(letter for letter in letters if letter.isalnum() or letter in " -")
    for written, folded in (*_LATIN, *_ALIKE):
        plain = plain.replace(written, folded)
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def _latin(letter: str) -> str:
    return _LETTERS.get(letter, letter)

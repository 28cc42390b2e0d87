"""Both palettes can be read, and nothing is told by colour alone."""

import pytest

from fieldsurvey.drive.snapshot import Health
from fieldsurvey.gui.actions import ACTIONS
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.shapes import HEALTH_SHAPES, OUTLOOK_SHAPES, shape_path
from fieldsurvey.gui.status_strip import health_colour
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import DAY, NIGHT, Theme, outlook_colours
from fieldsurvey.model.messages import LANGUAGES


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio" with relative luminance of sRGB."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=lambda theme: theme.name)
def test_text_has_a_contrast_of_at_least_4_5(theme: Theme) -> None:
    pairs = [
        (theme.ink, theme.panel), (theme.ink, theme.background), (theme.ink, theme.map_ground),
        (theme.soft_ink, theme.panel), (theme.soft_ink, theme.background),
        (theme.panel, theme.ink), (theme.on_button, theme.button), (theme.on_start, theme.start),
        (theme.on_stop, theme.stop), (theme.settlement, theme.map_ground),
        *(outlook_colours(theme, outlook) for outlook in Outlook),
    ]  # fmt: skip
    assert [(a, b, contrast(a, b)) for a, b in pairs if contrast(a, b) < 4.5] == []


@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=lambda theme: theme.name)
def test_signs_have_a_contrast_of_at_least_3(theme: Theme) -> None:
    signs = [(health_colour(theme, health), theme.panel) for health in Health]
    signs += [(theme.trail, theme.map_ground), (theme.no_service, theme.map_ground)]
    assert [(a, b) for a, b in signs if contrast(a, b) < 3] == []


def test_every_result_and_every_state_has_a_shape_of_its_own() -> None:
    assert len(set(OUTLOOK_SHAPES.values())) == len(Outlook)
    assert len(set(HEALTH_SHAPES.values())) == len(Health)
    outlines = {
        str([(e.x, e.y) for e in map(path.elementAt, range(path.elementCount()))])
        for path in map(shape_path, OUTLOOK_SHAPES.values())
    }
    assert len(outlines) == len(Outlook)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_result_and_every_state_has_a_word_of_its_own(language: str) -> None:
    texts = Texts(language)
    assert len({texts.tr(f"word_{o.value}", target="100") for o in Outlook}) == len(Outlook)
    assert len({texts.tr(f"health_{h.value}") for h in Health}) == len(Health)


def test_no_key_does_two_things() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))

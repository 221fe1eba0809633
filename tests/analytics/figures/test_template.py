import itertools

import numpy as np
import plotly.io as pio
import pytest

from analytics.figures import template
from analytics.figures.axes import pd_ticks
from analytics.figures.template import (
    ARREARS_STAGES,
    CATEGORICAL,
    CHAMPION,
    CONTENDERS,
    FAMILIES,
    FURTHER,
    LOWERS,
    MARKERS,
    RAISES,
    model_colours,
)
from analytics.figures.tiles import shorten_names


def linear(colour):
    values = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """WCAG 2.1: (L1 + .05)/(L2 + .05) of relative luminances."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
VISIONS = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


@pytest.mark.parametrize("ground", ["#FFFFFF", "#0F172A"])
@pytest.mark.parametrize(
    "colour",
    [CHAMPION, *FAMILIES.values(), *CONTENDERS.values(), *FURTHER, *CATEGORICAL, *ARREARS_STAGES.values(), RAISES,
     LOWERS],
)  # fmt: skip
def test_colours_are_seen_on_light_and_dark(colour, ground):
    assert contrast(colour, ground) >= 3  # WCAG 2.1, 1.4.11


@pytest.mark.parametrize("vision", VISIONS)
def test_first_models_stay_apart_for_the_colour_blind(vision):
    seen = [lab(np.array(VISIONS[vision]) @ linear(colour)) for colour in (CHAMPION, *FAMILIES.values(), FURTHER[0])]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15  # CIE76; 2.3 is just seen


def test_every_colour_has_its_own_marker():
    assert set(MARKERS) >= {CHAMPION, *FAMILIES.values(), *CONTENDERS.values(), *FURTHER}
    assert len(set(MARKERS.values())) == len(MARKERS)


def test_the_champion_is_navy_whatever_it_is():
    first = model_colours([("gbm", "boosting", True), ("card", "scorecard", False), ("gbm2", "boosting", False)])
    assert first["gbm"] == CHAMPION
    assert first["gbm2"] == FAMILIES["boosting"]
    assert first["card"] == FURTHER[0]


def test_every_family_fitted_here_has_a_colour_of_its_own():
    """CIE76 above 20: about nine times what is just seen (2.3)."""
    colours = [CHAMPION, *FAMILIES.values(), *CONTENDERS.values(), *FURTHER]
    seen = [lab(linear(colour)) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20
    models = [("card", "scorecard", True), ("forest", "external", False), *((name, name, False) for name in CONTENDERS)]
    assert model_colours(models) == {"card": CHAMPION, "forest": FURTHER[0], **CONTENDERS}


def test_models_of_one_family_differ():
    models = [("c", "scorecard", True)] + [(f"g{k}", "boosting", False) for k in range(4)]
    colours = model_colours(models)
    assert len(set(colours.values())) == 5
    assert colours == model_colours(models)


def test_the_template_is_registered_without_becoming_the_default():
    assert template.NAME in pio.templates
    assert pio.templates.default != template.NAME


@pytest.mark.parametrize(
    ("low", "high"), [(0.0001, 0.5), (0.01, 0.03), (1e-5, 0.999), (0.011, 0.019), (0.0121, 0.0135), (0.96, 0.97)]
)
def test_ticks_are_few_and_inside(low, high):
    ticks = pd_ticks(low, high)
    assert 2 <= len(ticks) <= 8
    assert all(low * 0.99 <= tick <= high * 1.01 for tick in ticks)
    assert (np.diff(ticks) > 0).all()


def test_codes_differ():
    names = [f"{a}{b} region" for a in "ABC" for b in "xyz"] + ["Limburg (NL)", "Limburg (BE)", "", "…"]
    codes = shorten_names(names)
    assert len(set(codes.values())) == len(names)

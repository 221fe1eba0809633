"""Figures of moves between states draw what their tables say."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.transitions import plot_matrix, plot_matrix_difference, plot_rate_map, plot_sankey
from analytics.transitions import (
    CURES,
    ROLLS,
    STATE_LABELS,
    add_position,
    compute_arrears_flows,
    compute_difference,
    compute_matrix,
    compute_rates,
)

WORDS = {"title": "Of 100 loans 30 days late, 30 were 60 days late", "subtitle": "moves"}
LABELS = {pair: f"{pair[0]} to {pair[1]}" for pair in (*ROLLS, *CURES)}


def make(month, rolled):
    return pd.DataFrame({"month": pd.Timestamp(month), "state_before": ["30", "30", "current", "current"],
                         "state": ["60", "current", "30", "current"], "loans": [rolled, 100 - rolled, 3, 997],
                         "exposure_before": [5.0, 15.0, 1.0, 99.0]})  # fmt: skip


FLOWS = pd.concat([make("2020-01-31", 10), make("2020-02-29", 30), make("2020-03-31", 20)])


def test_rate_map_has_a_row_a_rate_from_its_lowest_to_its_highest():
    figure = plot_rate_map(add_position(compute_rates(FLOWS), "share"), LABELS, value="share", **WORDS)
    roll, cure, few = figure.data
    place = list(LABELS).index(("30", "60"))
    assert list(roll.x) == ["2020-01", "2020-02", "2020-03"]
    assert roll.z[place].tolist() == pytest.approx([0, 1, 0.5])
    assert cure.z[list(LABELS).index(("30", "current"))].tolist() == pytest.approx([1, 0, 0.5])
    assert few.z[0].tolist() == [0, 0, 0]  # 3 of 1,000 current loans: fewer than 5 moves
    assert np.isnan(roll.z[0]).all()
    assert "10.0 %" in roll.customdata[place][0]
    assert "n 100" in roll.customdata[place][0]


def test_matrix_shows_shares_and_numbers_and_leaves_the_rest_blank():
    shown, grey = plot_matrix(compute_matrix(FLOWS), STATE_LABELS, value="share", **WORDS).data
    # 60 of 300 loans 30 days late rolled on.
    assert shown.z[1][2] == pytest.approx(0.2)
    assert shown.text[1][2] == "20 %<br>60"
    assert np.isnan(shown.z[2]).all()
    assert np.isnan(grey.z).all()
    small = plot_matrix(compute_matrix(make("2020-01-31", 3)), STATE_LABELS, value="share", **WORDS).data[1]
    assert small.text[1][2] == "3.0 %<br>3"


def test_matrix_by_exposure_shows_shares_of_balances():
    shown = plot_matrix(compute_matrix(FLOWS), STATE_LABELS, value="share_exposure", **WORDS).data[0]
    assert shown.z[1][2] == pytest.approx(0.25)  # 5 of 20 each month


def test_difference_colours_only_what_differs():
    frame = compute_difference(compute_matrix(make("2021-01-31", 45)), compute_matrix(make("2020-01-31", 10)))
    told, quiet = plot_matrix_difference(frame, STATE_LABELS, value="difference", **WORDS).data
    assert told.z[1][2] == pytest.approx(0.35)
    assert told.text[1][2] == "+35.00 pp"
    assert np.isnan(told.z[0]).all()
    assert quiet.text[0][1] == "+0.00 pp"


def test_sankey_keeps_every_move_and_leaves_sound_loans_out():
    frame = compute_arrears_flows(FLOWS)
    links = plot_sankey(frame, STATE_LABELS, value="loans", **WORDS).data[0].link
    labels = plot_sankey(frame, STATE_LABELS, value="loans", **WORDS).data[0].node.label
    named = {(labels[a], labels[b]): v for a, b, v in zip(links.source, links.target, links.value, strict=True)}
    # On the left 9 current loans that fell late and 300 late ones; 240 cured, 60 rolled on, 9 fell 30 days late.
    assert named == {
        ("Current · 9", "30–59 days late · 9"): 9,
        ("30–59 days late · 300", "Current · 240"): 240,
        ("30–59 days late · 300", "60–89 days late · 60"): 60,
    }

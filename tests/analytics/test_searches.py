"""A search's course and places, and losses by epoch, against what was written down by hand."""

import numpy as np
import pandas as pd

from analytics.searches import follow_search, list_epochs, mark_axes, scale_losses, tabulate_settings

SPACE = {
    "rate": {"low": 0.001, "high": 0.1, "log": True},
    "depth": {"low": 2, "high": 6},
    "hidden": {"choices": [[32, 16], [64, 32], [128, 64]]},
    "only": {"choices": ["one"]},
}


def trial(number, state, loss, seconds=1.0, **settings):
    return {"number": number, "state": state, "log_loss": loss, "seconds": seconds, "settings": settings}


TRIALS = [
    trial(0, "complete", 0.30, rate=0.001, depth=2, hidden=[32, 16], only="one"),
    trial(1, "pruned", 0.10, rate=0.01, depth=4, hidden=[64, 32], only="one"),
    trial(2, "complete", 0.35, rate=0.1, depth=6, hidden=[128, 64], only="one"),
    trial(3, "fail", None, rate=0.02, depth=3, hidden=[32, 16], only="one"),
    trial(4, "complete", 0.25, rate=0.002, depth=5, hidden=[64, 32], only="one"),
    trial(5, "running", None, seconds=None, rate=0.05),
]


def test_the_best_so_far_counts_finished_trials_only():
    frame = follow_search(TRIALS)
    assert frame["number"].tolist() == [0, 1, 2, 3, 4]  # the running one is not judged yet
    assert frame["best"].tolist() == [0.30, 0.30, 0.30, 0.30, 0.25]  # not the pruned 0.10, of fewer periods
    assert frame["leads"].tolist() == [True, False, False, False, True]


def test_a_search_that_began_with_a_pruned_trial_has_no_best_yet():
    frame = follow_search([trial(0, "pruned", 0.1), trial(1, "complete", 0.3)])
    assert np.isnan(frame["best"].iloc[0])
    assert frame["best"].iloc[1] == 0.3
    assert frame["leads"].tolist() == [False, True]
    assert follow_search([]).empty


def test_places_follow_the_scale_that_is_searched():
    frame = tabulate_settings(TRIALS, SPACE).set_index(["number", "parameter"])["place"]
    # log: 0.01 is half way from 0.001 to 0.1; 4 is half way from 2 to 6; the second of three choices too
    assert [round(frame[1, name], 12) for name in ("rate", "depth", "hidden", "only")] == [0.5, 0.5, 0.5, 0.5]
    assert [frame[0, name] for name in ("rate", "depth", "hidden")] == [0, 0, 0]
    np.testing.assert_allclose([frame[2, name] for name in ("rate", "depth", "hidden")], 1)
    assert set(frame.index.get_level_values("number")) == {0, 1, 2, 4}  # failed and running have no log loss


def test_axes_are_marked_at_their_choices_and_ends():
    marks = mark_axes(SPACE)
    assert marks["hidden"] == [(0.0, "32, 16"), (0.5, "64, 32"), (1.0, "128, 64")]
    assert marks["rate"] == [(0.0, "0.001"), (1.0, "0.1")]
    assert marks["depth"] == [(0.0, "2"), (1.0, "6")]


def test_epochs_mark_the_best_and_keep_gaps():
    frame = list_epochs({0: {"loss": [0.5, 0.4, 0.3], "val_loss": [0.45, None, 0.5], "best_epoch": 1}, 1: {}})
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["best"].tolist() == [True, False, False]
    assert np.isnan(frame["val_loss"].iloc[1])
    assert frame["seed"].unique().tolist() == [0]  # a model without epochs has none
    assert list_epochs({0: {}}).empty


def test_losses_are_multiples_of_where_each_seed_began():
    frame = pd.DataFrame({"name": ["a", "a", "b"], "seed": [0, 0, 0], "epoch": [1, 2, 1], "loss": [6.0, 3.0, 0.2],
                          "val_loss": [4.0, 2.0, np.nan]})  # fmt: skip
    scaled = scale_losses(frame)
    assert scaled["loss"].tolist() == [1.5, 0.75, 1.0]  # 6 / 4, 3 / 4; b has no later period: 0.2 / 0.2
    assert scaled["val_loss"].tolist()[:2] == [1.0, 0.5]

"""Fitting: a network's epochs are found on a later period, the final model learns on all dates for exactly so many."""

import numpy as np
import pandas as pd
import pytest

from models import fitting
from models.data import Labelled
from models.fitting import fit_final, fit_on
from models.networks.competing import CompetingRisks
from models.protocol import rolling_folds
from models.training import TrainConfig, TrainingData, fit_family
from portfolio.errors import HypothecError
from tests.models.toy import FEATURES, make_loans

DATES = pd.date_range("2016-03-31", periods=16, freq="QE")
SETTINGS = {"epochs": 3, "batch_size": 512, "hidden": (4,) * 2}


@pytest.fixture(scope="module")
def rows():
    frame, outcome = make_loans(3200)
    date = pd.Series(np.tile(DATES.to_numpy(), 200))
    loan = pd.Series(np.repeat(np.arange(200), 16).astype(str))
    return Labelled(frame, outcome, loan, date, pd.Series(["development"] * len(frame)))


@pytest.fixture
def calls(monkeypatch):
    """What every single fit was given."""
    found = []

    def listen(family, features, fit, later, seed, settings, *, epochs=None):
        model = fit_on(family, features, fit, later, seed, settings, epochs=epochs)
        found.append({"fit": fit, "later": later, "epochs": epochs, "model": model})
        return model

    monkeypatch.setattr(fitting, "fit_on", listen)
    return found


def test_a_trained_network_stops_on_a_later_period_and_then_learns_on_all_dates(rows, calls):
    data = TrainingData(rows, rows.X, FEATURES, horizon_months=12)
    model, seen = fit_family(data, TrainConfig("mlp", settings=SETTINGS))
    probe, final = calls
    assert probe["fit"].date.max() + pd.DateOffset(months=12) <= probe["later"].date.min()
    assert probe["later"].date.max() == DATES[-1]
    assert seen["epochs_found_on"] == "fit to 2018-09-30, judged 2019-09-30 to 2019-12-31"
    assert final["later"] is None
    assert final["fit"].date.max() == DATES[-1]
    assert final["epochs"] == probe["model"].history_["best_epoch"]
    assert len(model.history_["loss"]) == final["epochs"]
    assert seen["learning"]["val_loss"] == probe["model"].history_["val_loss"]


def test_nothing_after_the_last_date_allowed_is_learnt_or_judged_with(rows, calls):
    data = TrainingData(rows, rows.X, FEATURES, horizon_months=12)
    _, seen = fit_family(data, TrainConfig("mlp", until=DATES[11].date(), settings=SETTINGS))
    probe, final = calls
    assert probe["later"].date.max() == final["fit"].date.max() == DATES[11]
    assert seen["until"] == f"{DATES[11]:%Y-%m-%d}"


def test_both_fits_of_competing_risks_are_given_what_became_of_the_loans(rows, monkeypatch):
    course = pd.DataFrame({"event": rows.y, "months": np.where(rows.y == 1, 6, 12)})
    with_course = Labelled(rows.X, rows.y, rows.loan, rows.date, rows.sample, course)
    given, fit = [], CompetingRisks.fit

    def listen(self, X, y, **more):
        given.append({name: None if item is None else len(item) for name, item in more.items() if "course" in name})
        return fit(self, X, y, **more)

    monkeypatch.setattr(CompetingRisks, "fit", listen)
    fold = rolling_folds(with_course, folds=1, embargo_months=12)[-1]
    settings = {"epochs": 1, "batch_size": 512, "hidden": (4,)}
    fitted = fit_final("competing", FEATURES, with_course, 0, settings, fold=fold)
    assert given == [{"course": len(fold.fit.y), "validation_course": len(fold.later.y)},
                     {"course": fitted.rows, "validation_course": None}]  # fmt: skip


def test_the_demos_network_stops_early_on_other_loans(rows, calls):
    data = TrainingData(rows, rows.X, FEATURES, horizon_months=12)
    _, seen = fit_family(data, TrainConfig("neural"))
    (only,) = calls
    assert seen["epochs_found_on"] is None
    assert not set(only["fit"].loan) & set(only["later"].loan)
    assert seen["rows"] + seen["calibration_rows"] == len(rows.y)
    assert (seen["rows"], seen["events"]) == (len(only["fit"].y), only["fit"].y.sum())


def test_the_draw_chooses_the_loans_and_the_seed_only_fits(rows, calls):
    for draw, seed in ((0, 1), (0, 2), (1, 1)):
        fit_final("logistic", FEATURES, rows, seed, {}, fold=None, draw=draw)
    loans = [set(call["fit"].loan) for call in calls]
    assert loans[0] == loans[1] != loans[2]


def test_other_families_learn_once(rows, calls):
    fold = rolling_folds(rows, folds=1, embargo_months=12)[-1]
    fitted = fit_final("logistic", FEATURES, rows, 0, {}, fold=fold)
    (only,) = calls
    assert (only["later"], only["epochs"], fitted.history) == (None, None, {})


def test_calibration_rows_without_the_event_are_refused(rows):
    rare = Labelled(rows.X, (rows.loan == "3").to_numpy().astype(int), rows.loan, rows.date, rows.sample)
    with pytest.raises(HypothecError, match="rows kept for calibration are all with or all without the event"):
        fit_final("logistic", FEATURES, rare, 0, {}, fold=None)

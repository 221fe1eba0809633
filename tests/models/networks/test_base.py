"""What all networks share: the class prior, ensembles, early stopping, the guard, and odd inputs."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.metrics import log_loss, roc_auc_score

from models.encoding import Feature
from models.families import family_class
from models.networks import base
from models.networks.additive import Additive
from models.networks.mlp import Mlp
from models.networks.tabm import TabM
from models.neural import Neural
from portfolio.errors import HypothecError
from tests.models.toy import FEATURES, make_loans

TABULAR = ("mlp", "tabm", "additive")
SMALL = {"hidden": (16, 8), "dropout": 0.0}
KEEN = {
    "mlp": {"hidden": (64, 32), "dropout": 0.0, "learning_rate": 0.01},
    "tabm": {"hidden": (64, 32), "dropout": 0.0, "learning_rate": 0.01, "submodels": 4},
    "additive": {"learning_rate": 0.02, "pairs": 6, "units": 32, "pair_units": 32},
}

FEW = {Mlp: SMALL, TabM: {**SMALL, "submodels": 4}}


def two_groups(rows=6000):
    """A category alone tells the PD: exactly 1 of 20 in group A, 1 of 4 in group B."""
    group = np.repeat(["A", "B"], rows // 2)
    y = np.concatenate([np.arange(rows // 2) % 20 == 0, np.arange(rows // 2) % 4 == 0]).astype(int)
    return pd.DataFrame({"group": group}), y, (Feature("group", "category"),)


class TestClassPrior:
    @pytest.mark.parametrize("make", [Mlp, TabM, Additive, Neural])
    def test_it_starts_at_the_rate_of_the_training_rows(self, make, monkeypatch):
        # Untrained, a network knows the prior only: 900 of 6,000 are events, log-odds −1.735, wherever events count
        # more; the category's random vector moves that by a few hundredths.
        monkeypatch.setattr(base.Network, "_train_one", lambda *_: {})
        frame, y, features = two_groups()
        model = make(features, positive_weight=4.0).fit(frame, y)
        assert model.predict_log_odds(frame).mean() == pytest.approx(np.log(900 / 5100), abs=0.15)

    @pytest.mark.parametrize("make", [Mlp, TabM, Additive])
    def test_weighted_events_leave_the_pds_where_they_are(self, make):
        # Without the correction the log-odds would be log 8 = 2.08 too high; the truth is −2.944 and −1.099.
        frame, y, features = two_groups()
        model = make(features, epochs=3, learning_rate=0.01, positive_weight=8.0, **FEW.get(make, {})).fit(frame, y)
        got = model.predict_log_odds(pd.DataFrame({"group": ["A", "B"]}))
        np.testing.assert_allclose(got, logit([1 / 20, 1 / 4]), atol=0.15)

    def test_a_weight_of_zero_is_refused(self):
        frame, y, features = two_groups()
        with pytest.raises(HypothecError, match="positive_weight must be a number above zero"):
            Mlp(features, positive_weight=0.0).fit(frame, y)


class TestMembers:
    @pytest.fixture(scope="class")
    @staticmethod
    def ensemble(loans):
        return Mlp(FEATURES, random_state=3, epochs=1, members=2, **SMALL).fit(*loans)

    def test_log_odds_are_the_mean_of_the_seeds_own_models(self, ensemble, loans):
        alone = [Mlp(FEATURES, random_state=seed, epochs=1, **SMALL).fit(*loans) for seed in (3, 4)]
        each = [model.predict_log_odds(loans[0]) for model in alone]
        assert np.abs(each[0] - each[1]).max() > 0.01  # the seed matters
        np.testing.assert_allclose(ensemble.predict_log_odds(loans[0]), np.mean(each, axis=0), atol=1e-6)

    def test_attributions_add_up(self, ensemble, loans):
        assert ensemble.explain(loans[0][:5], loans[0][50:80]).error < 1e-5

    def test_all_members_are_saved(self, ensemble, loans, tmp_path):
        ensemble.save(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mlp.json", "network.keras", "network_2.keras"]
        loaded = Mlp.load(tmp_path)
        np.testing.assert_array_equal(loaded.predict_log_odds(loans[0]), ensemble.predict_log_odds(loans[0]))
        assert loaded.parts() == ensemble.parts() == {"networks": 2, "weights": ensemble.complexity()}

    def test_the_older_family_can_be_an_ensemble_too(self, loans):
        frame, y = loans[0][:800], loans[1][:800]
        model = Neural(FEATURES, epochs=1, members=2, positive_weight=2.0).fit(frame, y)
        assert len(model.networks_) == 2
        assert model.explain(frame[:3], frame[40:60]).error < 1e-5

    def test_none_is_refused(self, loans):
        with pytest.raises(HypothecError, match="members and epochs must be 1 or more; got 0"):
            Mlp(FEATURES, members=0).fit(*loans)


class TestEarlyStopping:
    def test_the_best_epochs_weights_are_kept(self, loans):
        # Learnt on 300 rows with a fast step, judged on others: it overfits, the loss there falls, then rises.
        frame, y = loans
        later = frame[300:2300], y[300:2300]
        model = Mlp(FEATURES, epochs=10, learning_rate=0.02, dropout=0.0).fit(frame[:300], y[:300], validation=later)
        losses = model.history_["val_loss"]
        best = model.history_["best_epoch"]
        assert len(losses) == best + 2 < 40  # stopped two epochs after the best, of 4 × 10 there might have been
        assert best == 1 + int(np.argmin(losses))
        assert log_loss(later[1], model.predict_proba(later[0])[:, 1]) == pytest.approx(min(losses), abs=1e-5)
        assert "warning" not in model.history_

    def test_without_later_rows_every_epoch_counts(self, loans):
        model = Mlp(FEATURES, epochs=1, **SMALL).fit(loans[0][:300], loans[1][:300])
        assert model.history_["best_epoch"] == len(model.history_["loss"]) == 4


def explode_in(epoch):
    """A guard before which, at the start of an epoch, the step becomes absurd."""
    make_guard = base.make_guard

    def make(keras, patience):
        guard = make_guard(keras, patience)

        def explode(now, logs=None):
            type(guard).on_epoch_begin(guard, now, logs)
            if now + 1 == epoch:
                guard.model.optimizer.learning_rate.assign(1e30)

        guard.on_epoch_begin = explode
        return guard

    return make


class TestExplodingLoss:
    def test_not_one_good_epoch_ends_in_a_clear_message(self, loans):
        with pytest.raises(HypothecError, match=r"learnt nothing: the loss was .* smaller learning_rate than 1e\+30"):
            Mlp(FEATURES, learning_rate=1e30, epochs=1, **SMALL).fit(loans[0][:2000], loans[1][:2000])

    @pytest.mark.parametrize("with_validation", [True, False])
    def test_the_last_good_weights_are_kept(self, monkeypatch, loans, with_validation):
        frame, y = loans
        later = (frame[2000:], y[2000:]) if with_validation else None
        monkeypatch.setattr(base, "make_guard", explode_in(3))
        model = Mlp(FEATURES, epochs=2, **SMALL).fit(frame[:2000], y[:2000], validation=later)
        assert model.history_["best_epoch"] == 2
        assert "in batch" in model.history_["warning"]
        assert "the weights of epoch 2 were kept" in model.history_["warning"]
        assert len(model.history_["loss"]) == 3
        got = model.predict_proba(frame)[:, 1]
        assert roc_auc_score(y, got) > 0.65
        if with_validation:
            assert log_loss(later[1], got[2000:]) == pytest.approx(model.history_["val_loss"][1], abs=1e-5)

    def test_the_warning_is_saved(self, monkeypatch, loans, tmp_path):
        monkeypatch.setattr(base, "make_guard", explode_in(2))
        Mlp(FEATURES, epochs=1, **SMALL).fit(*loans).save(tmp_path)
        assert "training was cut off" in Mlp.load(tmp_path).history_["warning"]


ODD = (*FEATURES, Feature("fixed", "number"))


@pytest.fixture(scope="module", params=[*TABULAR, "neural"])
def constant(request, loans):
    """A model of a table with a number that never changes, and that table."""
    frame = loans[0][:640].assign(fixed=7.0)
    return family_class(request.param)(ODD, epochs=1).fit(frame, loans[1][:640]), frame


class TestOddInput:
    def test_a_constant_of_the_training_rows_changes_nothing_later(self, constant):
        model, frame = constant
        moved = frame.assign(fixed=np.linspace(-1e6, 1e6, len(frame)))
        np.testing.assert_allclose(model.predict_log_odds(moved), model.predict_log_odds(frame), atol=1e-6)

    @pytest.mark.parametrize("value", [1e9, 1e300])  # 1e300 is infinite in float32, which networks compute in
    def test_beyond_the_training_range_is_held_at_its_edge(self, constant, value):
        model, frame = constant
        far = frame[:50].assign(ltv=[value, -value] * 25, fixed=value)
        edge = frame[:50].assign(ltv=[1.2, 0.2] * 25)  # the training values lie between 0.3 and 1.1
        np.testing.assert_allclose(model.predict_log_odds(far), model.predict_log_odds(edge), atol=1e-5)

    def test_a_category_never_seen_is_as_a_missing_one(self, constant):
        model, frame = constant
        odd = frame[:40].assign(region=["Atlantis", None] * 20, ltv=0.7, debt_service=0.3, unemployment=np.nan)
        got = model.predict_log_odds(odd)
        assert np.ptp(got) < 1e-9
        assert np.isfinite(got).all()

    def test_all_missing_is_scored(self, constant):
        model, frame = constant
        nothing = pd.DataFrame({name: [np.nan] * 3 for name in frame.columns}).astype({"region": object})
        assert np.isfinite(model.predict_log_odds(nothing)).all()


@pytest.mark.parametrize(("family", "least"), [("mlp", 0.995), ("tabm", 0.995), ("additive", 0.95)])
def test_overfits_two_hundred_rows(family, least):
    # The true log-odds reach 0.80; a sum of functions of one feature cannot learn every row by heart, but most.
    frame, y = make_loans(200, seed=5)
    model = family_class(family)(FEATURES, epochs=40, **KEEN[family]).fit(frame, y)
    assert roc_auc_score(y, model.predict_proba(frame)[:, 1]) > least


@pytest.mark.parametrize(
    ("family", "embedding"), [("mlp", "piecewise"), ("tabm", "periodic"), ("additive", "periodic"), ("mlp", "periodic")]
)
def test_beats_the_base_rate_on_planted_signal(family, embedding, loans):
    # The true PDs of these loans have a log loss some 0.07 below that of the base rate; half of that must be found.
    (frame, y), (fresh, outcome) = loans, make_loans(seed=1)
    held = np.arange(len(y)) % 5 == 0
    model = family_class(family)(FEATURES, embedding=embedding, epochs=2, **FEW.get(family_class(family), {}))
    model.fit(frame[~held], y[~held], validation=(frame[held], y[held]))
    base_rate = log_loss(outcome, np.full(len(outcome), y.mean()))
    assert log_loss(outcome, model.predict_proba(fresh)[:, 1]) < base_rate - 0.035


def test_an_unknown_embedding_is_refused(loans):
    with pytest.raises(HypothecError, match="embedding is"):
        Mlp(FEATURES, embedding="fourier").fit(*loans)

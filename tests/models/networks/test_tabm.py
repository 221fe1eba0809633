"""The parameter-efficient ensemble: the mean of its submodels' PDs, learnt as the mean of their losses."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import log_loss

from models.networks.tabm import TabM
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES


@pytest.fixture(scope="module")
def fitted(loans):
    frame, y = loans
    model = TabM(FEATURES, submodels=8, hidden=(32,), epochs=2, positive_weight=3.0)
    return model.fit(frame[:2400], y[:2400], validation=(frame[2400:], y[2400:]))


def test_log_odds_are_those_of_the_mean_pd(fitted, loans):
    X = fitted.encoder_.transform(loans[0])
    logits = fitted._predict(fitted.network_, X) - np.log(3)  # events counted three times
    assert logits.shape == (len(X), 8)
    np.testing.assert_allclose(fitted.predict_log_odds(loans[0]), logit(expit(logits).mean(axis=1)), atol=1e-9)


def test_the_loss_is_the_mean_of_the_submodels_losses(fitted, loans):
    X, y = fitted.encoder_.transform(loans[0][2400:]), loans[1][2400:]
    pds = expit(fitted._predict(fitted.network_, X))
    weight = np.where(y == 1, 3.0, 1.0)
    each = [-(weight * np.where(y == 1, np.log(p), np.log(1 - p))).mean() for p in pds.T]
    best = fitted.history_["val_loss"][fitted.history_["best_epoch"] - 1]
    assert np.mean(each) == pytest.approx(best, abs=1e-5)


def test_submodels_differ_and_are_better_together(fitted, loans):
    # By Jensen's inequality the loss of the mean PD is never above the mean loss; equal only if all are the same.
    X, y = fitted.encoder_.transform(loans[0][2400:]), loans[1][2400:]
    pds = expit(fitted._predict(fitted.network_, X) - np.log(3))
    assert pds.std(axis=1).mean() > 0.002
    assert log_loss(y, pds.mean(axis=1)) < np.mean([log_loss(y, p) for p in pds.T])


def test_far_out_log_odds_keep_their_digits():
    got = TabM(submodels=2)._log_odds(np.array([[50.0, 50.0], [-60.0, -60.0]]))
    np.testing.assert_allclose(got, [50, -60], rtol=1e-12)


def test_weights_are_counted_by_hand(fitted):
    # Per number 13 × 8 weights and 8 biases (12 pieces and the flag); 4 codes of 8; first layer 32 × 32 shared, 8 × 32
    # r, 8 × 32 s, 8 × 32 b; heads 8 × 32 and 8.
    by_hand = 3 * (13 * 8 + 8) + 4 * 8 + 32 * 32 + 3 * 8 * 32 + 8 * 32 + 8
    assert fitted.parts() == {"submodels": 8, "weights": by_hand}


def test_attributions_are_close_to_enumeration(fitted, loans):
    X = fitted.encoder_.transform(loans[0])
    background, rows = X[:60], X[200:206]
    expected = enumerate_shapley(coalition_worths(fitted._raw_log_odds, rows, background), X.shape[1])
    got = fitted._raw_explain(rows, background)
    assert np.abs(got.values - expected).max() < 0.08

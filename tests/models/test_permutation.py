"""The network's attributions against enumeration, and what they promise."""

import numpy as np
import pytest

from models.live_network import LiveNetwork
from models.neural import Neural, piecewise_weights
from models.permutation import explain_network
from models.walks import explain_batched
from portfolio.errors import HypothecError
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES, make_loans


@pytest.fixture(scope="module")
def network():
    frame, outcome = make_loans()
    return Neural(FEATURES).fit(frame, outcome)


def test_close_to_enumeration(network, loans):
    # Only the orders are sampled, in antithetic pairs: what remains is interactions of three and more features.
    X = network.encoder_.transform(loans[0])
    background, rows = X[:100], X[200:208]
    expected = enumerate_shapley(coalition_worths(network._raw_log_odds, rows, background), X.shape[1])
    got = network._raw_explain(rows, background).values
    assert np.abs(got - expected).max() < 0.08
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.999


def test_the_measured_error_is_the_true_one(network, loans):
    # As for any function in test_walks, here on the compiled walk: 60 seeds, 8 loans, 4 features.
    X = network.encoder_.transform(loans[0])
    background, rows = X[:40], X[200:208]
    expected = enumerate_shapley(coalition_worths(network._raw_log_odds, rows, background), X.shape[1])
    runs = [explain_network(network, rows, background, seed=seed) for seed in range(60)]
    misses = np.array([run.values - expected for run in runs])
    errors = np.array([run.error for run in runs])
    assert (errors**2).sum() == pytest.approx((misses**2).sum(), rel=0.15)
    held = (np.abs(misses) <= 1.96 * errors + 1e-5).mean()  # float32
    assert 0.90 < held < 0.98


def test_equal_to_the_walks_of_any_function(network, loans):
    X = network.encoder_.transform(loans[0])
    compiled = explain_network(network, X[200:208], X[:100], seed=3)
    general = explain_batched(network._raw_log_odds, X[200:208], X[:100], seed=3)
    np.testing.assert_allclose(compiled.values, general.values, atol=1e-5)
    np.testing.assert_allclose(compiled.error, general.error, atol=1e-5)


def test_live_attributions_are_the_stored_ones(network, loans):
    X = network.encoder_.transform(loans[0])
    stored = network.calibration_[1] * explain_network(network, X[200:208], X[:100], seed=3).values
    np.testing.assert_allclose(LiveNetwork(network).explain(X[200:208], X[:100], seed=3), stored, atol=1e-5)


def test_every_loan_has_its_gap_and_noise(network, loans):
    frame = loans[0]
    done = network.explain(frame[200:208], frame[:100])
    total = done.base + done.values.sum(axis=1).to_numpy()
    # The gap is measured after the fact, so computing the log-odds again (in other batches) may move it by float32.
    np.testing.assert_allclose(done.gap, np.abs(total - network.predict_log_odds(frame[200:208])), atol=2e-6)
    assert done.error == done.gap.max() <= network.additivity_limit
    sampled = network._raw_explain(*(network.encoder_.transform(part) for part in (frame[200:208], frame[:100])))
    np.testing.assert_allclose(done.noise, network.calibration_[1] * sampled.error.max(axis=1))
    assert (done.noise > 0).all()


def test_what_does_not_add_up_is_refused(network, loans, monkeypatch):
    monkeypatch.setattr(Neural, "additivity_limit", 1e-12)  # float32 cannot
    with pytest.raises(HypothecError, match="miss its log-odds by up to"):
        network.explain(loans[0][200:208], loans[0][:100])


def test_first_layer_parts_add_up_to_the_network(network, loans):
    X = network.encoder_.transform(loans[0][:50])
    bias1, kernel2, bias2, kernel3, bias3 = network.head_weights()
    first = np.maximum(network.first_layer_parts(X).sum(axis=1) + bias1, 0)
    logit = np.maximum(first @ kernel2 + bias2, 0) @ kernel3 + bias3
    np.testing.assert_allclose(logit[:, 0], network._raw_log_odds(X), atol=1e-5)


def test_piecewise_embedding_by_hand():
    # Evenly spread values: the pieces are equally wide; a value one and a half pieces in is 1, 0.5, 0, …
    kernel, bias = piecewise_weights([np.linspace(0, 1, 100_001)])
    edges = np.linspace(0.005, 0.995, 11)
    pieces = np.clip(np.array([[edges[1] + 0.5 * (edges[2] - edges[1])]]) @ kernel + bias, 0, 1)
    np.testing.assert_allclose(pieces[0], [1, 0.5] + [0] * 8, atol=1e-3)

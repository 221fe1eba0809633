"""The additive network's attributions: exact, in closed form."""

import numpy as np
import pytest

from models.networks.additive import Additive, share_pair
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES


@pytest.fixture(scope="module")
def fitted(loans):
    return Additive(FEATURES, epochs=3, pairs=6).fit(*loans)


def test_attributions_are_shapley_values(fitted, loans):
    assert len(fitted.pairs_) >= 1
    X = fitted.encoder_.transform(loans[0])
    background, rows = X[:60], X[200:220]
    expected = enumerate_shapley(coalition_worths(fitted._raw_log_odds, rows, background), X.shape[1])
    np.testing.assert_allclose(fitted._raw_explain(rows, background), expected, atol=1e-5)  # float32 in the network


def test_they_add_up(fitted, loans):
    assert fitted.explain(loans[0], loans[0][:100]).error < 1e-5


def test_without_pairs_a_features_attribution_is_its_own_alone(loans):
    model = Additive(FEATURES, epochs=1, pairs=0).fit(*loans)
    frame, background = loans[0][:50], loans[0][100:160]
    others = frame.assign(ltv=0.4, region="South", unemployment=np.nan)
    same = [model.explain(part, background).values["debt_service"] for part in (frame, others)]
    np.testing.assert_array_equal(*same)
    # φ is g(x) less its mean over the background, so over the background itself it is 0 on average.
    np.testing.assert_allclose(model.explain(background, background).values.mean(), 0, atol=1e-9)


def test_a_pair_is_shared_as_by_definition():
    draw = np.random.default_rng(0)
    left, right, weights = draw.normal(size=(9, 3)), draw.normal(size=(9, 3)), draw.normal(size=3)
    one, other = share_pair((left[:4], right[:4]), (left[4:], right[4:]), weights)

    def h(i, j):
        return float(np.maximum(left[i] + right[j], 0) @ weights)

    for x in range(4):
        walks = [(h(x, b) - h(b, b) + h(x, x) - h(b, x)) / 2 for b in range(4, 9)]  # left switched first, or second
        assert one[x] == pytest.approx(np.mean(walks))
        whole = h(x, x) - np.mean([h(b, b) for b in range(4, 9)])
        assert one[x] + other[x] == pytest.approx(whole)


def test_the_pairs_survive_saving(fitted, loans, tmp_path):
    fitted.save(tmp_path)
    loaded = Additive.load(tmp_path)
    assert loaded.pairs_ == fitted.pairs_
    assert loaded.parts() == fitted.parts()
    assert fitted.parts()["pairs"] == len(fitted.pairs_)

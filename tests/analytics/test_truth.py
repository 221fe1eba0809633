"""The distance from true PDs: noise of the simulated shares is taken off, but costs them rank."""

import numpy as np
import pytest

from analytics.truth import compute_truth_distance


def test_the_noise_of_the_shares_is_taken_off() -> None:
    draw = np.random.default_rng(0)
    truth = draw.uniform(0.01, 0.3, 200_000)
    shares = draw.binomial(50, truth) / 50
    outcome = draw.random(len(truth)) < truth
    exact = compute_truth_distance(truth, shares, repeats=50, y=outcome)
    assert exact["rmse"] < 0.006  # a perfect model; without the correction √mean(π(1 − π)/50) = 0.049
    off = compute_truth_distance(truth + 0.05, shares, repeats=50, y=outcome)
    assert off["rmse"] == pytest.approx(0.05, abs=0.001)
    assert off["bias"] == pytest.approx(0.05, abs=0.001)


def test_the_noise_of_the_shares_costs_rank() -> None:
    draw = np.random.default_rng(1)
    truth = draw.beta(0.3, 30, 400_000)  # 1 % on average, most far below it, as in a book
    outcome = draw.random(len(truth)) < truth
    exact = compute_truth_distance(truth, truth, repeats=10**9, y=outcome)["ceiling_gini"]
    few, many = (compute_truth_distance(truth, draw.binomial(lives, truth) / lives, repeats=lives, y=outcome)
                 for lives in (50, 2_000))  # fmt: skip
    assert few["ceiling_gini"] < many["ceiling_gini"] - 0.02 < exact - 0.02
    assert few["rank_correlation"] < many["rank_correlation"] < 1


def test_by_hand() -> None:
    # PDs .2, .4; shares .1, .5 of 10 lives: mean square (.01 + .01)/2, noise (.09 + .25)/2/9
    found = compute_truth_distance([0.2, 0.4], [0.1, 0.5], repeats=10, y=[0, 1])
    assert found["rmse"] == pytest.approx(np.sqrt(max(0.01 - 0.17 / 9, 0)))
    assert found["bias"] == pytest.approx(0.0)
    assert (found["rank_correlation"], found["ceiling_gini"], found["n"]) == (pytest.approx(1.0), 1.0, 2)


def test_without_both_outcomes_there_is_no_ceiling() -> None:
    found = compute_truth_distance([0.2, 0.2], [0.1, 0.5], repeats=10, y=[0, 0])
    assert found["ceiling_gini"] is None
    assert found["rank_correlation"] is None


@pytest.mark.parametrize(("shares", "repeats", "message"), [
    ([0.1], 10, "one PD, share and outcome a row"), ([0.1, 0.2], 1, "two repeats at least"),
])  # fmt: skip
def test_impossible_input_is_refused(shares: list[float], repeats: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute_truth_distance([0.1, 0.2], shares, repeats=repeats, y=[0, 1])

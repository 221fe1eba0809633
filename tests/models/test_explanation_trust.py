"""Explanations made again: the same as asking the model itself, drawn by seed, and exact from one table of the loan."""

import numpy as np
import pandas as pd
import pytest

from models.explanation_trust import Repeater, load_spread
from models.families import family_class
from models.what_if import LiveModel
from portfolio.engine import Engine
from tests.models.toy import FEATURES, make_loans, write_portfolio


@pytest.fixture(scope="module", params=["scorecard", "boosting", "neural"])
def repeater(request):
    frame, outcome = make_loans()
    model = family_class(request.param)(features=FEATURES, random_state=0).fit(
        frame[600:], outcome[600:], validation=(frame[:600], outcome[:600])
    )
    live = LiveModel(model.calibrate(frame[:600], outcome[:600]))
    return Repeater(live, frame[1000:], frame[:100], backgrounds=3, seeds=2)


def test_every_repeat_adds_up_to_the_log_odds(repeater):
    rows = make_loans(seed=1)[0][:20]
    odds = np.log(1 / repeater.live.pds(rows) - 1) * -1
    found = repeater.explain(rows)
    assert found.shape == (len(repeater.repeats), 20, len(FEATURES))
    for repeat, phi in zip(repeater.repeats, found, strict=True):
        seen = repeater.recorded if repeat.kind == "seed" else repeater.pool.take(repeater.draw(repeat.seed))
        base = repeater.model.predict_log_odds(seen.frame).mean()
        np.testing.assert_allclose(base + phi.sum(axis=1), odds, atol=1e-4)


def test_a_background_is_drawn_by_its_seed_alone(repeater):
    assert repeater.draw(3).tolist() == repeater.draw(3).tolist()
    assert repeater.draw(3).tolist() != repeater.draw(4).tolist()
    assert len(set(repeater.draw(0).tolist())) == 100


def test_one_loan_is_explained_as_many_are(repeater):
    rows = make_loans(seed=2)[0][:3]
    one = repeater.explain_one(rows.iloc[[1]])
    np.testing.assert_allclose(one, repeater.explain(rows)[:, 1], atol=1e-9)


def test_attributions_are_those_of_the_model(repeater):
    rows = make_loans(seed=3)[0][:5]
    own = repeater.model.explain(rows, repeater.recorded.frame).values.to_numpy()
    # The network's orders are sampled, alike in both but summed in another precision.
    np.testing.assert_allclose(repeater.explain_as_recorded(rows), own, atol=1e-9 if repeater.is_exact else 0.1)


def test_seeds_are_repeated_only_where_there_is_chance(repeater):
    kinds = [item.kind for item in repeater.repeats]
    assert kinds == ["background"] * 3 + ([] if repeater.is_exact else ["seed"] * 2)
    if not repeater.is_exact:
        found = repeater.explain(make_loans(seed=4)[0][:5])
        assert np.abs(found[3] - found[4]).max() > 0


def test_a_small_pool_is_drawn_with_replacement():
    frame, outcome = make_loans(400)
    model = family_class("scorecard")(features=FEATURES).fit(frame, outcome)
    small = Repeater(LiveModel(model), frame[:30], frame[:100], backgrounds=2)
    assert len(small.draw(0)) == 100
    assert small.draw(0).max() < 30


def test_loans_are_spread_over_the_ranking(tmp_path):
    frame, outcome = make_loans(400)
    portfolio = write_portfolio(tmp_path / "toy", frame, outcome)
    key = "2021-12-31"
    loans = pd.read_parquet(portfolio.root / "snapshots" / f"{key}.parquet")
    risk = np.random.default_rng(0).permutation(len(loans)) / len(loans)
    folder = portfolio.scores / "m" / "1"
    folder.mkdir(parents=True)
    loans[["loan", "observation_date"]].assign(pd=risk, log_odds=0.0).to_parquet(folder / f"{key}.parquet", index=False)
    found = load_spread(Engine(portfolio), "m/1", key, (), ["ltv", "region"], 10)
    # 200 loans by rising PD, every 20th from the 11th.
    expected = loans.assign(risk=risk).sort_values("risk")["ltv"].to_numpy()[10::20]
    assert found["ltv"].tolist() == expected.tolist()
    assert list(found.columns) == ["ltv", "region"]

"""The sequence network: it hears the order of the months, short histories are fine, and its months are one player."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.encoding import Feature
from models.networks.mlp import Mlp
from models.networks.sequence import Sequence
from portfolio.errors import HypothecError
from portfolio.histories import MONTHS

HISTORY = Feature("payment_history", "sequence", channels=("present", "months_behind"))
FEATURES = (Feature("late_months", "number"), Feature("region", "category"), HISTORY)
QUICK = {"units": 8, "hidden": 8, "epochs": 4, "dropout": 0.0, "learning_rate": 0.01}


def make_orders(rows: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Loans with exactly six late months each; who was late in the last twelve months rather than before defaults.

    Every summary that forgets the order (count, mean, maximum) is the same for all loans.
    """
    draw = np.random.default_rng(seed)
    months = np.zeros((rows, MONTHS, 2), dtype=np.float32)
    months[..., 0] = 1
    recent = draw.random(rows) < 0.5
    for row, late in enumerate(recent):
        months[row, draw.choice(12, 6, replace=False) + 12 * late, 1] = 1
    y = (draw.random(rows) < np.where(recent, 0.6, 0.1)).astype(int)
    frame = pd.DataFrame({
        "late_months": 6.0 + draw.normal(size=rows), "region": draw.choice(["North", "South"], rows),
        "payment_history": list(months.reshape(rows, -1)),
    })  # fmt: skip
    return frame, y


@pytest.fixture(scope="module")
def orders() -> tuple[pd.DataFrame, np.ndarray]:
    return make_orders()


@pytest.fixture(scope="module", params=["gru", "transformer"])
def fitted(request: pytest.FixtureRequest, orders: tuple[pd.DataFrame, np.ndarray]) -> Sequence:
    return Sequence(FEATURES, reader=request.param, **QUICK).fit(*orders)


def test_it_finds_a_signal_that_only_the_order_has_and_a_tabular_network_does_not(
    fitted: Sequence, orders: tuple[pd.DataFrame, np.ndarray]
) -> None:
    frame, y = make_orders(seed=1)
    assert roc_auc_score(y, fitted.predict_proba(frame)[:, 1]) > 0.72  # the best possible: 0.5 + 0.25 · 1.47… = .757
    tabular = Mlp(FEATURES[:2], hidden=(16, 8), epochs=4).fit(*orders)
    assert abs(roc_auc_score(y, tabular.predict_proba(frame)[:, 1]) - 0.5) < 0.05


def test_the_months_are_one_player_and_get_the_credit(
    fitted: Sequence, orders: tuple[pd.DataFrame, np.ndarray]
) -> None:
    done = fitted.explain(orders[0][:6], orders[0][200:220])
    assert list(done.values.columns) == ["late_months", "region", "payment_history"]
    total = done.base + done.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted.predict_log_odds(orders[0][:6]), atol=2e-4)
    assert (done.values["payment_history"].abs() > 3 * done.values["late_months"].abs()).mean() > 0.8


def test_saved_and_loaded_it_says_the_same(
    fitted: Sequence, orders: tuple[pd.DataFrame, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("saved")
    fitted.save(folder)
    loaded = Sequence.load(folder)
    assert loaded.features == FEATURES  # channels as a tuple again
    np.testing.assert_array_equal(loaded.predict_log_odds(orders[0]), fitted.predict_log_odds(orders[0]))


def test_a_short_history_and_gaps_are_scored(fitted: Sequence, orders: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame = orders[0][:3].copy()
    new, gap, empty = (np.array(cell) for cell in frame["payment_history"])
    new[: 2 * 20] = 0  # four months on book
    gap[2 * 10 : 2 * 13] = 0
    empty[:] = 0
    frame["payment_history"] = [new, gap, empty]
    assert np.isfinite(fitted.predict_log_odds(frame)).all()


@pytest.mark.parametrize(("cell", "why"), [
    (np.zeros(MONTHS), "too short"), (None, "missing"), (np.full(2 * MONTHS, np.nan), "not numbers"),
    ("late", "text"),
])  # fmt: skip
def test_a_cell_that_is_no_history_is_refused(
    fitted: Sequence, orders: tuple[pd.DataFrame, np.ndarray], cell: object, why: str
) -> None:
    frame = orders[0][:2].copy()
    frame["payment_history"] = [frame["payment_history"].iloc[0], cell]
    with pytest.raises(HypothecError, match=r"'payment_history' must hold 24 months of 2 numbers \(present, months_b"):
        fitted.predict_log_odds(frame)
    assert why


def test_without_fields_the_months_alone_are_read(orders: tuple[pd.DataFrame, np.ndarray]) -> None:
    model = Sequence((HISTORY,), **{**QUICK, "epochs": 2}).fit(*orders)
    assert np.isfinite(model.predict_log_odds(orders[0][:5])).all()


@pytest.mark.parametrize(("model", "message"), [
    (Sequence(FEATURES[:2]), "needs a sequence among its features"),
    (Sequence((HISTORY, *FEATURES[:2])), "sequences come last"),
    (Sequence(FEATURES, reader="crystal ball"), 'reader is "gru" or "transformer"'),
    (Mlp(FEATURES), "the mlp family reads no sequences; leave out payment_history"),
])  # fmt: skip
def test_what_cannot_be_is_refused(orders: tuple[pd.DataFrame, np.ndarray], model: Sequence, message: str) -> None:
    with pytest.raises(HypothecError, match=message):
        model.fit(*orders)

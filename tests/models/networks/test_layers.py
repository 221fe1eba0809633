"""The layers by hand, and the same predictions under TensorFlow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.encoding import Feature
from models.families import family_class
from models.networks.layers import GroupedDense, MemberDense, Periodic, Pieces, Total
from portfolio.histories import MONTHS
from tests.models.toy import FEATURES

ROOT = Path(__file__).parents[3]
TENSORFLOW = """
import sys
from pathlib import Path
import numpy as np
import keras
assert keras.backend.backend() == "tensorflow"
import models.networks.layers
folder = Path(sys.argv[1])
for file in sorted(folder.glob("*.keras")):
    network = keras.saving.load_model(file, compile=False, safe_mode=True)
    given = np.load(file.with_suffix(".npz"))
    np.save(file.with_suffix(".npy"), network.predict(dict(given), verbose=0))
"""
SAVED = {
    "neural": ("neural", {}),
    "mlp periodic": ("mlp", {"embedding": "periodic"}),
    "mlp piecewise": ("mlp", {"embedding": "piecewise"}),
    "tabm": ("tabm", {"submodels": 4}),
    "additive": ("additive", {"pairs": 3}),
    "sequence gru": ("sequence", {"reader": "gru", "units": 8}),
    "sequence transformer": ("sequence", {"reader": "transformer", "units": 8}),
    "competing": ("competing", {"hidden": (16,)}),
}
HISTORY = Feature("payment_history", "sequence", channels=("present", "months_behind"))


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_pieces_by_hand():
    # Pieces from 0 to 1 and from 1 to 3: 2 is the whole first and half of the second; −5 is none, 9 is all.
    layer = Pieces(2)
    layer.build((None, 1))
    layer.set_weights([np.array([[0.0, 1.0]]), np.array([[1.0, 0.5]])])
    got = np.asarray(layer(np.array([[2.0], [-5.0], [9.0]], dtype=np.float32)))
    np.testing.assert_allclose(got[:, 0], [[1, 0.5], [0, 0], [1, 1]])


def test_periodic_by_hand():
    layer = Periodic(2, sigma=1.0)
    layer.build((None, 1))
    layer.set_weights([np.array([[0.25, 1.0]])])  # a quarter of a turn, a whole turn
    np.testing.assert_allclose(np.asarray(layer(np.ones((1, 1), dtype=np.float32)))[0, 0], [1, 0, 0, 1], atol=1e-6)


def test_grouped_dense_is_a_layer_a_group():
    layer, x = GroupedDense(3, "relu", start=0.5), random(5, 2, 4)
    got = np.asarray(layer(x))
    kernel, bias = layer.get_weights()
    np.testing.assert_array_equal(bias, 0.5)
    for group in range(2):
        np.testing.assert_allclose(got[:, group], np.maximum(x[:, group] @ kernel[group] + 0.5, 0), atol=1e-6)


def test_member_dense_is_a_shared_layer_with_rank_one_changes():
    layer, x = MemberDense(3, members=4, activation="linear", signs=True), random(5, 6)
    layer.build(x.shape)
    kernel, r, s, bias = layer.get_weights()
    assert set(np.unique(r)) == {-1.0, 1.0}
    s, bias = random(4, 3, seed=1), random(4, 3, seed=2)
    layer.set_weights([kernel, r, s, bias])
    first, third = np.asarray(layer(x)), np.asarray(layer(np.repeat(x[:, None], 4, axis=1)))
    for k in range(4):  # x diag(r) W diag(s) + b: every member's own matrix written out
        own = np.diag(r[k]) @ kernel @ np.diag(s[k])
        np.testing.assert_allclose(first[:, k], x @ own + bias[k], atol=1e-5)
    np.testing.assert_allclose(third, first, atol=1e-6)  # one row for all members, or one each


def test_total_adds_a_constant():
    got = np.asarray(Total(start=-2.0)(np.array([[1.0, 2.0, 4.0]], dtype=np.float32)))
    np.testing.assert_array_equal(got, [[5.0]])


@pytest.fixture(scope="module")
def under_tensorflow(loans, tmp_path_factory):
    """Each network's outputs under JAX and, from its saved file in a process of its own, under TensorFlow."""
    folder, ours = tmp_path_factory.mktemp("keras"), {}
    frame = loans[0].copy().astype({"region": object})
    frame.loc[frame.index[0], ["ltv", "region"]] = [np.nan, "Atlantis"]
    frame["payment_history"] = list(random(len(frame), MONTHS * 2))
    for name, (family, parameters) in SAVED.items():
        features = (*FEATURES, HISTORY) if family == "sequence" else FEATURES
        model = family_class(family)(features, epochs=1, **parameters).fit(frame, loans[1])
        X = model.encoder_.transform(frame)
        model.network_.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", **model._inputs(X))
        ours[name] = model._predict(model.network_, X)
    env = {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", TENSORFLOW, str(folder)], env=env, capture_output=True, text=True,
                          check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: (values, np.load(folder / f"{name}.npy")) for name, values in ours.items()}


@pytest.mark.parametrize("name", SAVED)
def test_the_saved_file_predicts_the_same_under_tensorflow(under_tensorflow, name):
    ours, theirs = under_tensorflow[name]
    assert ours.std() > 0.1  # it learnt something
    np.testing.assert_allclose(theirs, ours, atol=1e-5, rtol=0)

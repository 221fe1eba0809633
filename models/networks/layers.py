"""Layers that Keras does not have, in `keras.ops` only: a network made of them loads under every backend.

Import this file before loading such a `.keras` file elsewhere; it needs Keras and `import_keras`, no more.
"""

from typing import Any

import numpy as np

from models.networks.backend import import_keras

keras = import_keras()
ops = keras.ops
Layer: Any = keras.layers.Layer


@keras.saving.register_keras_serializable(package="hypothec")
class Pieces(Layer):  # type: ignore[misc]
    """Piecewise-linear code of numbers: (rows, numbers) → (rows, numbers, segments), each from 0 to 1.

    Piece t of x is (x − q_t) / (q_{t+1} − q_t) held within 0 and 1 (Gorishniy et al. 2022). `set_weights` takes the
    q_t and one over the widths, both (numbers, segments); they are not trained.
    """

    def __init__(self, segments: int, **options: Any) -> None:
        super().__init__(**options)
        self.segments = segments

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        fixed = {"shape": (shape[-1], self.segments), "initializer": "zeros", "trainable": False}
        self.low = self.add_weight(name="low", **fixed)
        self.per_width = self.add_weight(name="per_width", **fixed)

    def call(self, x: Any) -> Any:
        """Return the code."""
        return ops.clip((ops.expand_dims(x, -1) - self.low) * self.per_width, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "segments": self.segments}


@keras.saving.register_keras_serializable(package="hypothec")
class Periodic(Layer):  # type: ignore[misc]
    """Sines and cosines of learnt frequencies: (rows, numbers) → (rows, numbers, 2 frequencies).

    sin(2π c x) and cos(2π c x) with c drawn from N(0, sigma²) and trained (Gorishniy et al. 2022).
    """

    def __init__(self, frequencies: int, sigma: float, **options: Any) -> None:
        super().__init__(**options)
        self.frequencies, self.sigma = frequencies, sigma

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        normal = keras.initializers.RandomNormal(stddev=self.sigma)
        self.c = self.add_weight(name="c", shape=(shape[-1], self.frequencies), initializer=normal)

    def call(self, x: Any) -> Any:
        """Return sines and cosines."""
        turns = 2 * np.pi * ops.expand_dims(x, -1) * self.c
        return ops.concatenate([ops.sin(turns), ops.cos(turns)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "frequencies": self.frequencies, "sigma": self.sigma}


@keras.saving.register_keras_serializable(package="hypothec")
class GroupedDense(Layer):  # type: ignore[misc]
    """A dense layer of its own for each group: (rows, groups, inputs) → (rows, groups, units).

    `start` is where the biases begin; weights as Glorot and Bengio (2010) draw them within a group.
    """

    def __init__(self, units: int, activation: str = "linear", start: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.activation, self.start = units, activation, start
        self.function = keras.activations.get(activation)

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        groups, given = shape[-2], shape[-1]
        limit = float(np.sqrt(6 / (given + self.units)))
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(name="kernel", shape=(groups, given, self.units), initializer=uniform)
        begin = keras.initializers.Constant(self.start)
        self.bias = self.add_weight(name="bias", shape=(groups, self.units), initializer=begin)

    def call(self, x: Any) -> Any:
        """Return each group's layer of its inputs."""
        return self.function(ops.einsum("ngi,giu->ngu", x, self.kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        own = {"units": self.units, "activation": self.activation, "start": self.start}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="hypothec")
class MemberDense(Layer):  # type: ignore[misc]
    """One dense layer shared by `members`, each with a rank-one change of it: ((x ∘ r_k) W) ∘ s_k + b_k.

    BatchEnsemble (Wen et al. 2020) as in TabM (Gorishniy et al. 2025). Takes (rows, inputs) or (rows, members,
    inputs), gives (rows, members, units). With `signs` the r_k start as random signs, which makes the members differ;
    all other r and s start at one.
    """

    def __init__(self, units: int, members: int, activation: str = "relu", signs: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.members, self.activation, self.signs = units, members, activation, signs
        self.function = keras.activations.get(activation)

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        given = shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(given, self.units), initializer="glorot_uniform")
        begin = random_signs if self.signs else "ones"
        self.r = self.add_weight(name="r", shape=(self.members, given), initializer=begin)
        self.s = self.add_weight(name="s", shape=(self.members, self.units), initializer="ones")
        self.bias = self.add_weight(name="bias", shape=(self.members, self.units), initializer="zeros")

    def call(self, x: Any) -> Any:
        """Return each member's layer."""
        if len(x.shape) == 3:
            return self.function(ops.matmul(x * self.r, self.kernel) * self.s + self.bias)
        # One row for all members: their matrices side by side make one product, without a copy of the row for each.
        own = ops.expand_dims(ops.transpose(self.r), 2) * ops.expand_dims(self.kernel, 1) * self.s
        side_by_side = ops.matmul(x, ops.reshape(own, (-1, self.members * self.units)))
        return self.function(ops.reshape(side_by_side, (-1, self.members, self.units)) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        own = {"units": self.units, "members": self.members, "activation": self.activation, "signs": self.signs}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="hypothec")
class Total(Layer):  # type: ignore[misc]
    """The sum of terms and a trained constant that begins at `start`: (rows, terms) → (rows, 1)."""

    def __init__(self, start: float, **options: Any) -> None:
        super().__init__(**options)
        self.start = start

    def build(self, shape: tuple[int, ...]) -> None:  # noqa: ARG002
        """Make the weight."""
        begin = keras.initializers.Constant(self.start)
        self.constant = self.add_weight(name="constant", shape=(1,), initializer=begin)

    def call(self, x: Any) -> Any:
        """Return the sum."""
        return ops.sum(x, axis=-1, keepdims=True) + self.constant

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "start": self.start}


@keras.saving.register_keras_serializable(package="hypothec")
class Places(Layer):  # type: ignore[misc]
    """Adds a trained vector of its own to each step: (rows, steps, units) → the same."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.places = self.add_weight(name="places", shape=(shape[-2], shape[-1]), initializer=normal)

    def call(self, x: Any) -> Any:
        """Return the steps with their places."""
        return x + self.places


def random_signs(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Return an array of +1 and −1, each as likely."""
    drawn = keras.random.uniform(shape, dtype=dtype or "float32")
    return ops.where(drawn < 0.5, -1.0, 1.0)

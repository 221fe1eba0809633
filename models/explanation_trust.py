"""The same explanations made again against other backgrounds and with other seeds, and loans outside a training range.

For one background row b, a loan's attributions φ(x; b) are those of the row against the loan, sign turned: the game
of switching from b to x is the dual of that from x to b. So where attributions are exact, one table, that of the loan
as the background, gives φ(x; b) for every b of a pool, and any background drawn from it is a mean of these.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import ibis
import numpy as np
import pandas as pd

from models.base import PdModel
from models.data import BACKGROUND_ROWS
from models.encoding import Matrix
from models.what_if import LiveModel
from portfolio.engine import Engine
from portfolio.selection import select_rows

if TYPE_CHECKING:
    from models.boosting import Boosting

BACKGROUNDS, SEEDS = 15, 5
EXACT = ("scorecard", "logistic", "boosting", "additive")  # no chance in these attributions: their seed changes nothing
Where = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Repeat:
    """What differs from the recorded explanation: the rows drawn for the background, or the explainer's seed."""

    kind: Literal["background", "seed"]
    seed: int


@dataclass(frozen=True)
class Rows:
    """Loans as they are and as the model's encoder gives them: encoding takes longer than most explaining."""

    frame: pd.DataFrame
    encoded: Matrix

    def take(self, places: Any) -> "Rows":
        """Return some of the rows."""
        return Rows(self.frame.iloc[places], self.encoded[places])


class Repeater:
    """Explains loans with one model again and again.

    `pool` are training rows from which backgrounds of as many rows as the recorded one are drawn, without replacement
    where there are enough; `recorded` is the recorded background, kept where only the explainer's seed changes.
    """

    def __init__(
        self,
        live: LiveModel,
        pool: pd.DataFrame,
        recorded: pd.DataFrame,
        *,
        backgrounds: int = BACKGROUNDS,
        seeds: int = SEEDS,
    ) -> None:
        self.live, self.model = live, live.model
        names = [item.name for item in self.model.features]
        self.pool, self.recorded = self._read(pool[names]), self._read(recorded[names])
        further = 0 if self.is_exact else seeds
        first = self.model.random_state + 1
        self.repeats = (
            *(Repeat("background", seed) for seed in range(backgrounds)),
            *(Repeat("seed", first + place) for place in range(further)),
        )
        self._forest: Any = None

    def _read(self, frame: pd.DataFrame) -> Rows:
        names = [item.name for item in self.model.features]
        return Rows(frame[names], self.model.encoder_.transform(frame[names]))

    @property
    def is_exact(self) -> bool:
        """Whether attributions hold no chance."""
        return self.model.family in EXACT

    def draw(self, seed: int) -> Any:
        """Return the places in the pool of the background drawn with `seed`."""
        rows, count = len(self.pool.frame), min(BACKGROUND_ROWS, max(len(self.recorded.frame), 1))
        return np.random.default_rng(seed).choice(rows, count, replace=rows < 2 * count)

    def explain_as_recorded(self, frame: pd.DataFrame) -> Matrix:
        """Return attributions against the recorded background with the model's own seed: (loans, features)."""
        return self._explain(self._read(frame), self.recorded, self.model.random_state)

    def explain(self, frame: pd.DataFrame) -> Matrix:
        """Return the attributions of every repeat: (repeats, loans, features)."""
        rows = self._read(frame)
        return np.stack([self._again(rows, repeat) for repeat in self.repeats])

    def explain_one(self, row: pd.DataFrame) -> Matrix:
        """Return the attributions of one loan of every repeat, (repeats, features); quickly where they are exact."""
        if not self.is_exact:
            return self.explain(row)[:, 0]
        each = -self._explain(self.pool, self._read(row), self.model.random_state)
        return np.stack([each[self.draw(repeat.seed)].mean(axis=0) for repeat in self.repeats])

    def estimate_seconds(self, frame: pd.DataFrame) -> float:
        """Return about how long `explain` takes for `frame`, from one repeat of a few of its loans."""
        few = frame.iloc[: max(1, len(frame) // 10)]
        self._again(self._read(few.iloc[:1]), self.repeats[0])  # compilers and tables first
        started = time.perf_counter()
        self._again(self._read(few), self.repeats[0])
        once = time.perf_counter() - started
        return once * len(self.repeats) * (1 if self.is_exact else len(frame) / len(few))

    def _again(self, rows: Rows, repeat: Repeat) -> Matrix:
        if repeat.kind == "seed":
            return self._explain(rows, self.recorded, repeat.seed)
        return self._explain(rows, self.pool.take(self.draw(repeat.seed)), self.model.random_state)

    def _explain(self, rows: Rows, background: Rows, seed: int) -> Matrix:
        if self.live.network is not None:
            return self.live.network.explain(rows.encoded, background.encoded, seed=seed)
        if self.model.family == "boosting":
            return self._explain_trees(rows.encoded, background.encoded)
        again: PdModel = copy.copy(self.model)
        again.random_state = seed
        return again.explain(rows.frame, background.frame).values.to_numpy()

    def _explain_trees(self, rows: Matrix, background: Matrix) -> Matrix:
        """Return exact attributions with the trees read once: reading them takes longer than folding a background."""
        from models.forest import read_forest
        from models.trees import explain_rows, fold_background

        model = cast("Boosting", self.model)
        if self._forest is None:
            self._forest = read_forest(model.trees_)
        return np.asarray(model.calibration_[1] * explain_rows(fold_background(self._forest, background), rows))


def load_spread(engine: Engine, ref: str, key: str, where: Where, names: Sequence[str], count: int) -> pd.DataFrame:
    """Return the columns `names` of about `count` loans, evenly spaced over a model's ranking of snapshot `key`."""
    id_name = engine.portfolio.schema.id.name
    rows = select_rows(engine.snapshots([key]), where)
    scores = engine.scores(ref, [key])
    own = scores.select(_loan=scores[id_name].cast("string"), _pd=scores["pd"])
    chosen = [rows[name].name(name) for name in names]
    table = rows.select(*chosen, _id=rows[id_name].cast("string")).inner_join(own, ibis._["_id"] == own["_loan"])
    total = int(engine.fetch(table.aggregate(n=table.count()))["n"].iloc[0])
    step = max(1, total // count)
    ranked = table.mutate(_place=ibis.row_number().over(order_by=[table["_pd"], table["_id"]]))
    picked = engine.fetch(ranked.filter(ibis._["_place"] % step == step // 2).order_by("_place"))
    return picked[list(names)].head(count).reset_index(drop=True)

"""What the what-if page asks of the models: PDs of changed loans, attributions before and after, the loans to shock."""

import datetime
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from models.base import PdModel
from models.encoding import Feature
from models.live_network import LiveNetwork
from models.observations import observe
from portfolio.engine import Engine
from portfolio.schema import OBSERVATION_DATE, SAMPLE, Field
from portfolio.selection import select_rows

if TYPE_CHECKING:
    from models.neural import Neural

Floats = npt.NDArray[np.float64]
STEPS = 1_000_000
LIVE_FAMILIES = ("scorecard", "logistic", "boosting", "neural")  # their own explainers answer at once
FOREST_ROWS, FOREST_TREES, FOREST_SEED = 20_000, 100, 20260630
FEW = 20_000  # rows up to which NumPy is the quicker
ALONE = 2_000  # rows up to which one thread is the quicker: the others cost more to wait for than they do


@dataclass(frozen=True)
class Sample:
    """Loans of a snapshot, `total` of them there are: all, or those whose ids have the smallest hashes."""

    frame: pd.DataFrame
    total: int

    @property
    def complete(self) -> bool:
        """Whether every loan is in it."""
        return len(self.frame) == self.total


def load_book(
    engine: Engine,
    names: Sequence[str],
    key: str,
    where: tuple[tuple[str, tuple[str, ...]], ...],
    limit: int,
    *,
    histories: Sequence[Feature] = (),
) -> Sample:
    """Return the columns `names` of at most about `limit` loans of snapshot `key`, the same loans at every visit.

    `histories` are sequences that stand beside them as columns of their names.
    """
    table = select_rows(observe(engine, histories, [key]), where)
    names = [*names, *(item.name for item in histories)]
    total = int(engine.fetch(table.aggregate(n=table.count()))["n"].iloc[0])
    return Sample(_fetch(engine, table, names, limit, total), total)


def load_training(
    engine: Engine, names: Sequence[str], limit: int, *, until: datetime.date | None = None
) -> pd.DataFrame:
    """Return the columns `names` of about `limit` rows of the development sample, by the hash of the loans' ids.

    With `until` only rows up to that date count: what a model that was trained earlier has seen.
    """
    table = engine.snapshots()
    rows = table.filter(table[SAMPLE] == "development")
    if until is not None:
        rows = rows.filter(rows[OBSERVATION_DATE].cast("date") <= until)
    total = int(engine.fetch(rows.aggregate(n=rows.count()))["n"].iloc[0])
    return _fetch(engine, rows, names, limit, total)


def _fetch(engine: Engine, table: Any, names: Sequence[str], limit: int, total: int) -> pd.DataFrame:
    key = table[engine.portfolio.schema.id.name].cast("string")
    if total > limit:
        table = table.filter((key.hash() % STEPS).abs() < int(STEPS * limit / total))
    # By position: a field may be called "self".
    chosen = [table[name].name(name) for name in dict.fromkeys(names)]
    frame = engine.fetch(table.select(*chosen, _id=key).order_by("_id"))
    return frame.drop(columns="_id")


def to_frame(row: pd.Series, fields: Sequence[Field]) -> pd.DataFrame:
    """Return one loan's row as a frame of one row, numbers as floats, with the columns of `fields`."""
    frame = row.to_frame().T[[item.name for item in fields]].reset_index(drop=True)
    return frame.astype({item.name: float for item in fields if item.kind == "number"})


@functools.cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all loaded libraries: once


class LiveModel:
    """A model made quick for a few loans at a time: networks without their compiler, all else on one thread."""

    def __init__(self, model: PdModel) -> None:
        self.model = model
        single = model.family == "neural" and cast("Neural", model).is_plain
        self.network = LiveNetwork(cast("Neural", model)) if single else None

    @property
    def features(self) -> tuple[Feature, ...]:
        """What the model reads."""
        return self.model.features

    def pds(self, frame: pd.DataFrame) -> Floats:
        """Return the PDs of loans, recorded or changed."""
        if self.network is None and len(frame) <= ALONE:
            with _threads().limit(limits=1):
                return np.asarray(self.model.predict_proba(frame)[:, 1], dtype=float)
        if self.network is None or len(frame) > FEW:
            return np.asarray(self.model.predict_proba(frame)[:, 1], dtype=float)
        log_odds = self.network.log_odds(self.model.encoder_.transform(frame))
        return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=float)

    def explain_both(
        self, before: pd.DataFrame, after: pd.DataFrame, background: pd.DataFrame
    ) -> tuple[pd.Series, pd.Series]:
        """Return the attributions of one loan before and after a change, made together against the same background."""
        names = [item.name for item in self.features]
        both = pd.concat([before[names], after[names]], ignore_index=True)
        if self.network is None:
            with _threads().limit(limits=1):
                values = self.model.explain(both, background[names]).values
        else:
            rows, reference = (self.model.encoder_.transform(part) for part in (both, background[names]))
            phi = self.network.explain(rows, reference, seed=self.model.random_state)
            values = pd.DataFrame(phi, columns=names)
        return values.iloc[0], values.iloc[1]


@dataclass(frozen=True)
class Spread:
    """A field over some loans: a number's `ends` by tail and whether all values are whole, or its categories.

    `ends[tail]` are the values that leave a share `tail` of the loans on each side; all values where those are equal.
    """

    ends: Mapping[float, tuple[float, float]] = field(default_factory=dict)
    whole: bool = False
    categories: tuple[str, ...] = ()


def describe_fields(frame: pd.DataFrame, fields: Sequence[Field], *, tails: Sequence[float]) -> dict[str, Spread]:
    """Return how each field is spread over the loans of `frame`; a field without any value is left out."""
    found = {}
    for item in fields:
        known = frame[item.name].dropna()
        if known.empty:
            continue
        if item.kind == "number":
            values = known.to_numpy(dtype=float)
            levels = np.quantile(values, [0.0, *tails, *(1 - tail for tail in tails), 1.0])
            low, high = levels[1 : len(tails) + 1], levels[len(tails) + 1 : -1]
            ends = {
                tail: (float(a), float(b)) if b > a else (float(levels[0]), float(levels[-1]))
                for tail, a, b in zip(tails, low, high, strict=True)
            }
            found[item.name] = Spread(ends, bool((values == np.round(values)).all()))
        else:
            counted = known.astype(str).value_counts()
            found[item.name] = Spread(categories=tuple(str(value) for value in counted.index))
    return found


@dataclass(frozen=True)
class Forest:
    """An isolation forest over training loans and the score that the rarest of them lie below."""

    trees: Any
    medians: Mapping[str, float]
    limit: float

    def is_rare(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return for each loan whether its numbers together are rarer than those of nearly all training loans."""
        X = frame[list(self.medians)].astype(float).fillna(dict(self.medians)).to_numpy()
        return np.asarray(self.trees.score_samples(X) < self.limit, dtype=bool)


def fit_forest(frame: pd.DataFrame, fields: Sequence[Field], *, rarest: float) -> Forest | None:
    """Fit an isolation forest on the numbers of training loans; None where there is no number.

    `limit` is the score that all but the share `rarest` of the training loans exceed (Liu, Ting & Zhou 2008).
    """
    from sklearn.ensemble import IsolationForest

    names = [item.name for item in fields if item.kind == "number" and frame[item.name].notna().any()]
    if not names or len(frame) < 2:
        return None
    medians = {name: float(frame[name].astype(float).median()) for name in names}
    X = frame[names].astype(float).fillna(medians).to_numpy()
    chosen = X[np.unique(np.linspace(0, len(X) - 1, min(FOREST_ROWS, len(X))).astype(int))]
    trees = IsolationForest(n_estimators=FOREST_TREES, random_state=FOREST_SEED).fit(chosen)
    return Forest(trees, medians, float(np.quantile(trees.score_samples(chosen), rarest)))


def find_examples(engine: Engine, ref: str, key: str, where: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    """Return loans worth a look by a model's stored PDs: highest, typical (the median) and lowest; {} without loans."""
    name = engine.portfolio.schema.id.name
    rows = select_rows(engine.snapshots([key]), where)
    scores = engine.scores(ref, [key])
    own = scores.select(_id=scores[name].cast("string"), pd=scores["pd"])
    table = rows.select(loan=rows[name].cast("string")).inner_join(own, ibis._.loan == own["_id"]).select("loan", "pd")
    n = int(engine.fetch(table.aggregate(n=table.count()))["n"].iloc[0])
    if not n:
        return {}
    ordered = table.order_by(ibis.desc("pd"), "loan")
    places = {"Highest PD": 0, "Typical": n // 2, "Lowest PD": n - 1}
    return {label: str(engine.fetch(ordered.limit(1, offset=at))["loan"].iloc[0]) for label, at in places.items()}


def has_loan(engine: Engine, key: str, loan: str, where: tuple[tuple[str, tuple[str, ...]], ...]) -> bool:
    """Whether snapshot `key` has the loan among those of the selection."""
    rows = select_rows(engine.snapshots([key]), where)
    found = rows.filter(rows[engine.portfolio.schema.id.name].cast("string") == loan)
    return bool(engine.fetch(found.aggregate(n=found.count()))["n"].iloc[0])

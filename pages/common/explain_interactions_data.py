"""The tables behind the features that act together: a sample of explained loans, their pairs, one pair's grid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analytics import interactions
from analytics.attributions import PHI, list_explained
from pages.common import explain_data, model_data, what_if_data
from pages.common.cached import engine, hold, portfolio, remember
from portfolio.selection import Selection

if TYPE_CHECKING:
    from models.interactions import Method

EXACT_LOANS, SAMPLE_LOANS = 1_000, 4_000


@dataclass(frozen=True)
class Together:
    """How strongly a model's features act together: a frame of pairs, how it was found and on how many loans."""

    method: "Method"
    frame: pd.DataFrame
    loans: int

    @property
    def pairs(self) -> list[interactions.Pair]:
        """The pairs that count, strongest first."""
        return [] if self.frame.empty else interactions.rank_pairs(self.frame)

    def partner(self, feature: str) -> interactions.Pair | None:
        """Return the feature that acts most with another."""
        return None if self.frame.empty else interactions.find_partner(self.frame, feature)


@remember
def method(selection: Selection, ref: str) -> "Method":
    """Return how a model's interactions are found."""
    from models.interactions import find_method

    family = next(item.family for item in model_data.models(selection) if item.ref == ref)
    return find_method(family, lambda: what_if_data.model(selection, ref).model)


@hold
def sample(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return features and attributions of some thousand explained loans, the same at every visit."""
    here, scored = engine(selection), explain_data.explained(selection, ref, key)
    features = [name for name in list_explained(scored) if name in scored.columns]
    keys = [portfolio(selection).schema.id.name]
    return interactions.draw_explained(scored, here.fetch, features, keys=keys, size=SAMPLE_LOANS)


@hold
def together(selection: Selection, ref: str, key: str) -> Together:
    """Return how strongly every two features of a model act together on the snapshot's loans."""
    how = method(selection, ref)
    if how == "additive":
        return Together(how, pd.DataFrame(), 0)
    rows = sample(selection, ref, key)
    names = [name.removeprefix(PHI) for name in rows.columns if name.startswith(PHI)]
    if how == "exact":
        from models.interactions import explain_pairs_of

        model, background = what_if_data.model(selection, ref).model, what_if_data.background(selection, ref)
        values = explain_pairs_of(model, rows, background, rows=EXACT_LOANS)
        names = [item.name for item in model.features]
        return Together(how, interactions.compute_pair_strengths(values, names), len(values))
    phi = rows[[f"{PHI}{name}" for name in names]].set_axis(names, axis=1)
    return Together(how, interactions.compute_left_over(rows[names], phi), len(rows))


@remember
def grid(selection: Selection, ref: str, key: str, pair: tuple[str, str]) -> pd.DataFrame:
    """Return the mean joint attribution of two features by bands of both, over all explained loans."""
    units = {item.name: item.unit for item in portfolio(selection).schema.fields}
    scored = explain_data.explained(selection, ref, key)
    return interactions.compute_pair_grid(scored, engine(selection).fetch, pair, units=units)

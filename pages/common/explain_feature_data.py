"""The tables behind one feature: its dependence with the partner's values, and what models do along it on request."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analytics import effects
from analytics.attributions import PHI, Dependence
from analytics.interactions import Pair
from analytics.odds import Floats
from pages.common import explain_data, what_if_data
from pages.common import explain_interactions_data as together_data
from pages.common.cached import engine, hold, portfolio, remember
from portfolio.selection import Selection

ALE_LOANS, ICE_LOANS, SHOWN_CURVES = 4_000, 1_000, 80
POINTS = 2_000


@dataclass(frozen=True)
class Coloured:
    """A feature's dependence; with a partner, its points have the partner's values in a column partner."""

    dependence: Dependence
    partner: Pair | None


@dataclass(frozen=True)
class Curves:
    """The PDs of `pds` (loans × values of `grid`) of one model with the feature set to each value."""

    grid: list[Any]
    pds: Floats


@hold
def coloured(selection: Selection, ref: str, key: str, feature: str) -> Coloured:
    """Return how a model's attribution of a feature depends on its value and on the feature it acts most with."""
    found = explain_data.dependence(selection, ref, key, feature)
    partner = together_data.together(selection, ref, key).partner(feature)
    if partner is None:
        return Coloured(found, None)
    rows = together_data.sample(selection, ref, key)
    points = pd.DataFrame(
        {"value": rows[feature], "phi": rows[f"{PHI}{feature}"], "partner": rows[partner.partner]}
    ).dropna(subset=["value", "phi"])
    if found.is_number:
        points = points.astype({"value": float})
    return Coloured(replace(found, points=points.head(POINTS).reset_index(drop=True)), partner)


@hold
def _loans(selection: Selection, refs: tuple[str, ...], key: str) -> pd.DataFrame:
    from models.what_if import load_book

    names = what_if_data.feature_names(what_if_data.bare(selection), refs)
    features = [item for ref in refs for item in what_if_data.model(selection, ref).features]
    read = tuple({item.name: item for item in features if item.kind == "sequence"}.values())
    frame = load_book(engine(selection), names, key, selection.where, ALE_LOANS, histories=read).frame
    fields = [portfolio(selection).schema.get(name) for name in names]
    return frame.astype({item.name: float for item in fields if item.kind == "number"})


def loans(selection: Selection, refs: tuple[str, ...], key: str) -> pd.DataFrame:
    """Return what the models read of some thousand loans of a snapshot, the same at every visit."""
    return _loans(selection, refs, key)


def readers(selection: Selection, refs: tuple[str, ...], feature: str) -> list[str]:
    """Return the models that read a feature."""
    return [ref for ref in refs if feature in [item.name for item in what_if_data.model(selection, ref).features]]


@remember
def ale(selection: Selection, refs: tuple[str, ...], key: str, feature: str, scale: str) -> pd.DataFrame:
    """Return every model's accumulated local effects of a number: see `compute_ale`, with a column model."""
    rows, parts = loans(selection, refs, key), []
    for ref in readers(selection, refs, feature):
        live = what_if_data.model(selection, ref)

        def predict(frame: pd.DataFrame, live: Any = live) -> Floats:
            return effects.to_scale(live.pds(frame), scale)

        parts.append(effects.compute_ale(predict, rows, feature).assign(model=ref))
    return pd.concat(parts, ignore_index=True)


@hold
def curves(selection: Selection, refs: tuple[str, ...], ref: str, key: str, feature: str) -> Curves:
    """Return the PDs of about a thousand loans by one model with a feature set to each value of its grid."""
    from models.quick import QuickClassifier

    rows = loans(selection, refs, key)
    grid = effects.choose_grid(rows[feature])
    model = QuickClassifier(what_if_data.model(selection, ref))
    # Spread over the sample, whose loans are in the order of their ids: the first might be the oldest.
    chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(ICE_LOANS, len(rows))).astype(int))]
    return Curves(grid, effects.compute_ice(model, chosen.reset_index(drop=True), feature, grid))


@remember
def pdp(selection: Selection, refs: tuple[str, ...], key: str, feature: str, scale: str) -> pd.DataFrame:
    """Return every model's partial dependence on a feature: see `compute_pdp`, with a column model."""
    parts = []
    for ref in readers(selection, refs, feature):
        found = curves(selection, refs, ref, key, feature)
        parts.append(effects.compute_pdp(effects.to_scale(found.pds, scale), found.grid).assign(model=ref))
    return pd.concat(parts, ignore_index=True)


@remember
def companion(selection: Selection, refs: tuple[str, ...], key: str, feature: str) -> tuple[str, float] | None:
    """Return the number that moves most with a feature and their rank correlation."""
    return effects.find_companion(loans(selection, refs, key), feature)

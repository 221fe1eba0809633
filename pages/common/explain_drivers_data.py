"""The tables behind Explain's drivers: importance in log-odds and PD points, and the beeswarm's dots."""

import pandas as pd

from analytics.attributions import compute_importance
from analytics.driver_points import to_points
from analytics.driver_swarm import compute_swarm
from pages.common.cached import engine, portfolio, remember
from pages.common.explain_data import attributed, explained
from portfolio.selection import Selection

Groups = tuple[tuple[str, str], ...]


@remember
def importance(selection: Selection, refs: tuple[str, ...], key: str, groups: Groups, *, points: bool) -> pd.DataFrame:
    """Mean size of every feature's or group's attributions, in log-odds or PD, of models `refs` at snapshot `key`."""
    here, parts = engine(selection), []
    for ref in refs:
        rows = attributed(selection, ref, key)
        found = compute_importance(to_points(rows) if points else rows, here.fetch, groups=dict(groups))
        parts.append(found.assign(model=ref))
    return pd.concat(parts, ignore_index=True)


@remember
def swarm(selection: Selection, ref: str, key: str, features: tuple[str, ...]) -> pd.DataFrame:
    """Return the dots of a model's beeswarm over the loans of a snapshot."""
    here, schema = engine(selection), portfolio(selection).schema
    return compute_swarm(explained(selection, ref, key), features, here.fetch, keys=[schema.id.name])

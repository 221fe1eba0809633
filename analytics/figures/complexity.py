"""What complexity costs, drawn: the Gini of trainings that differ in their seed only."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import escape, finish, marker_of, present_models

ROW = 54  # pixels a model


def plot_seed_spread(
    frame: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], title: str, subtitle: str
) -> go.Figure:
    """Return a row a model, a dot a seed; an open marker is the model in use.

    `frame` has the columns model, seed, gini and own (the model in use, whose seed is that of its training). Models
    come in the order of `colours`.
    """
    figure = go.Figure()
    models = present_models(frame, colours)
    for place, model in enumerate(models):
        rows = frame[frame["model"] == model]
        for own in (False, True):
            figure.add_trace(_dots(rows[rows["own"] == own], place, colours[model], labels[model], own=own))
    label_rows(figure, [labels[model] for model in models], width=24)
    figure.update_xaxes(title="Gini", showgrid=True, nticks=7)
    return finish(figure, title, subtitle, height=ROW * max(2, len(models)) + 40)


def _dots(rows: pd.DataFrame, place: int, colour: str, label: str, *, own: bool) -> go.Scatter:
    """Return the dots of one model: its refits, or the one in use as an open marker around them."""
    symbol = marker_of(colour)
    said = [
        f"<b>{escape(label)}</b><br>{'in use, ' if own else ''}seed {seed}<br>Gini {gini:.4f}"
        for seed, gini in zip(rows["seed"], rows["gini"], strict=True)
    ]
    return go.Scatter(
        x=rows["gini"].to_numpy(dtype=float), y=np.full(len(rows), place), mode="markers", showlegend=False,
        name=escape(label), customdata=np.array(said, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        marker={"color": colour, "size": 17 if own else 9, "symbol": f"{symbol}-open" if own else symbol,
                "line": {"width": 2 if own else 0, "color": colour}, "opacity": 1 if own else 0.75},
    )  # fmt: skip

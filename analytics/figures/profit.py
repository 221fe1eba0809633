"""Figures of what a ranking is worth: estimates with intervals, costs of cut-offs, cost and decision curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import TEXT, draw_order, escape, finish, format_axis, marker_of, present_models
from analytics.words import format_share

_DOTTED = {"color": TEXT, "width": 1, "dash": "dot"}
_HEIGHT = 360


def plot_worth(
    frame: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], axis: str, unit: str, title: str,
    subtitle: str,
) -> go.Figure:  # fmt: skip
    """Return a dot a model with its interval: columns model, estimate, low, high (NaN: none), text at its right."""
    figure = go.Figure()
    models = present_models(frame, colours)
    rows = frame.set_index("model").loc[models]
    estimate, low, high = (rows[name].to_numpy(dtype=float) for name in ("estimate", "low", "high"))
    for place, model in enumerate(models):
        error = {"type": "data", "array": np.array([high[place] - estimate[place]]), "thickness": 2.5, "width": 0,
                 "arrayminus": np.array([estimate[place] - low[place]])}  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=estimate[[place]], y=np.array([place]), error_x=error, mode="markers", showlegend=False,
                name=escape(labels[model]), hovertemplate=f"{escape(labels[model])}: {escape(rows['text'].iloc[place])}"
                "<extra></extra>",
                marker={"color": colours[model], "size": 12, "symbol": marker_of(colours[model])},
            )
        )  # fmt: skip
    ends = np.where(np.isfinite(high), high, estimate)
    figure.add_trace(
        go.Scatter(x=ends, y=np.arange(len(models)), mode="text", hoverinfo="skip", showlegend=False, cliponaxis=False,
                   text=np.array([f"\u2002{escape(text)}" for text in rows["text"]], dtype=object),
                   textposition="middle right")
    )  # fmt: skip
    label_rows(figure, [labels[name] for name in models], width=22)
    top = float(np.nanmax(ends, initial=0.0))
    figure.update_xaxes(title=escape(axis), range=[0, 1.75 * top or 1], showgrid=True, nticks=6, **format_axis(unit))
    return finish(figure, title, subtitle, height=58 * len(models) + 60)


def plot_cutoff_costs(
    frame: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], scale: float, unit: str, title: str,
    subtitle: str,
) -> go.Figure:  # fmt: skip
    """Return the cost of errors of `compute_cutoff_costs` times `scale` by share rejected, the best cut-offs marked.

    The dotted line is the better of rejecting none or all.
    """
    figure = go.Figure()
    without = scale * float(frame["without"].iloc[0])
    figure.add_hline(without, line=_DOTTED, annotation_text="without a model", annotation_position="top right")
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        cut = np.array([format_share(min(value, 1.0)) for value in rows["threshold"]], dtype=object)
        line = _line(rows["rejected_share"], scale * rows["cost"], labels[model], colours[model])
        hover = f"{escape(labels[model])}: PD ≥ %{{customdata}}, %{{x:.1%}} rejected<extra></extra>"
        figure.add_trace(line.update(customdata=cut, hovertemplate=hover, legendrank=list(colours).index(model)))
        best = rows[rows["best"]]
        figure.add_trace(
            go.Scatter(
                x=best["rejected_share"].to_numpy(dtype=float), y=scale * best["cost"].to_numpy(dtype=float),
                mode="markers", showlegend=False, hoverinfo="skip", cliponaxis=False,
                marker={"color": colours[model], "size": 12, "symbol": marker_of(colours[model]),
                        "line": {"width": 1.5, "color": "white"}},
            )
        )  # fmt: skip
    # What pays lies at the left: to reject half the book never does unless defaults cost many good loans.
    best_at = float(frame.loc[frame["best"], "rejected_share"].max())
    right = min(1.0, max(0.02, 4 * best_at))
    seen = scale * frame.loc[frame["rejected_share"] <= right, "cost"].to_numpy(dtype=float)
    low, high = min(float(seen.min()), without), min(max(float(seen.max()), without), 2.5 * without)
    figure.update_xaxes(title="share of loans rejected, highest PDs first", tickformat=".3~%", range=[-0.002, right],
                        showgrid=True)  # fmt: skip
    figure.update_yaxes(title=f"cost of errors, {unit}", range=[low - 0.1 * (high - low), high + 0.1 * (high - low)],
                        separatethousands=True)  # fmt: skip
    return finish(figure, title, subtitle, height=_HEIGHT)


def plot_cost_curve(
    frame: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], at: float, title: str, subtitle: str
) -> go.Figure:
    """Return the curves of `compute_cost_curve`, without a model dotted; `at` (a probability cost) is marked."""
    figure = go.Figure()
    base = frame[frame["model"] == frame["model"].iloc[0]]
    figure.add_trace(
        _line(base["probability_cost"], base["without"], "without a model", TEXT).update(
            line={"color": TEXT, "width": 1.25, "dash": "dot"}, legendrank=2000, hoverinfo="skip"
        )
    )
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        ratio = np.array([f"{value:,.1f}" for value in rows["cost_ratio"]], dtype=object)
        hover = f"{escape(labels[model])}: a default costs %{{customdata}} good loans, cost %{{y:.3f}}<extra></extra>"
        line = _line(rows["probability_cost"], rows["cost"], labels[model], colours[model])
        figure.add_trace(line.update(customdata=ratio, hovertemplate=hover, legendrank=list(colours).index(model)))
    if np.isfinite(at):
        figure.add_vline(at, line={"color": TEXT, "width": 1.25, "dash": "dash"}, annotation_text="your costs",
                         annotation_position="top right" if at < 0.5 else "top left")  # fmt: skip
    figure.update_xaxes(title="weight of defaults in the cost of errors", tickformat=".0%", range=[0, 1], nticks=6,
                        showgrid=True)  # fmt: skip
    figure.update_yaxes(title="cost of errors, of the dearest outcome", rangemode="tozero")
    return finish(figure, title, subtitle, height=_HEIGHT)


def plot_decision_curve(
    frame: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], title: str, subtitle: str,
    event: str = "default",
) -> go.Figure:  # fmt: skip
    """Return the net benefit of `compute_decision_curve` per 1,000 loans by threshold, with acting on all or none."""
    figure = go.Figure()
    base = frame[frame["model"] == frame["model"].iloc[0]]
    for column, name, dash in (("all", "act on all", "dash"), ("none", "act on none", "dot")):
        figure.add_trace(
            _line(base["threshold"], 1000 * base[column], name, TEXT).update(
                line={"color": TEXT, "width": 1.25, "dash": dash}, legendrank=2000
            )
        )
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        line = _line(rows["threshold"], 1000 * rows["net_benefit"], labels[model], colours[model])
        hover = f"{escape(labels[model])}: acting at PD ≥ %{{x:.2%}} nets %{{y:.2f}}<extra></extra>"
        figure.add_trace(line.update(hovertemplate=hover, legendrank=list(colours).index(model)))
    top = 1000 * float(frame["net_benefit"].max())
    figure.update_xaxes(title="act where the PD is at least", tickformat=".3~%", showgrid=True)
    figure.update_yaxes(title=f"net {escape(event)}s found per 1,000 loans", range=[-0.25 * top, 1.1 * max(top, 1e-9)])
    return finish(figure, title, subtitle, height=_HEIGHT)


def _line(x: pd.Series, y: pd.Series, label: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=x.to_numpy(dtype=float), y=y.to_numpy(dtype=float), mode="lines", name=escape(label), showlegend=True,
        line={"color": colour, "width": 2.25},
    )  # fmt: skip

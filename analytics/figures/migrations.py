"""Figures of migrations between grades: the matrix as a heat map, and how unusual each cell is beside its neighbour."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import AMOUNT_SCALE, RAISES, TEXT, escape, finish
from analytics.migrations import ENDS
from analytics.words import format_number, format_share

ROW = 34
_SPREAD = (0.0, 0.02, 0.1, 0.4, 1.0)  # shares run from a tenth of a per cent to all: the colours tell both ends apart
_BLANK = "rgba(100, 116, 139, 0.08)"


def plot_migrations(matrix: pd.DataFrame, *, title: str, subtitle: str) -> go.Figure:
    """Return the migration matrix (counts, as `compute_migrations` gives it): shares of each row's loans.

    A row has its number of loans in its label. What is not recorded stays blank, and its column says so.
    """
    counts = matrix.to_numpy(dtype=float)
    total = np.nansum(counts, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(counts > 0, counts / total[:, None], np.nan)
    texts = np.array([[format_share(v) if v > 0 else "" for v in row] for row in share], dtype=object)
    hover = np.array([[f"{format_number(k)} of {format_number(n)}" for k in row]
                      for row, n in zip(counts, total, strict=True)], dtype=object)  # fmt: skip
    columns = [f"{name},<br>not recorded" if name in ENDS and matrix[name].isna().all() else str(name)
               for name in matrix.columns]  # fmt: skip
    figure = go.Figure(
        _cells(share, columns, texts, hover, [[p, c] for p, c in zip(_SPREAD, AMOUNT_SCALE, strict=True)], (0.0, 1.0))
    )
    label_rows(figure, [f"{name} · n {format_number(n)}" for name, n in zip(matrix.index, total, strict=True)])
    figure.update_xaxes(type="category", tickangle=0, title={"text": "Grade, or what became of the loan, a year later"})
    return finish(figure, title, subtitle, height=ROW * len(matrix) + 70)


def plot_neighbours(table: pd.DataFrame, *, level: float, title: str, subtitle: str) -> go.Figure:
    """Return z of each cell against its neighbour nearer the diagonal: coloured where p is below `level`.

    `table` as `compute_neighbour_tests` gives it. A coloured cell is more frequent than it should be.
    """
    rows, columns = list(table["start"].unique()), list(table["end"].unique())
    keyed = table.set_index(["start", "end"])
    z, p, n = (keyed[name].unstack().reindex(index=rows, columns=columns).to_numpy(dtype=float) for name in "zpn")
    with np.errstate(invalid="ignore"):
        told = p < level
    texts = np.array([[format_number(value, 1) if np.isfinite(value) else "" for value in row] for row in z],
                     dtype=object)  # fmt: skip
    hover = np.array([[f"z {format_number(a, 2)}, p {format_number(b, 4)}, {format_number(k)} loans"
                       for a, b, k in zip(*parts, strict=True)] for parts in zip(z, p, n, strict=True)],
                     dtype=object)  # fmt: skip
    names = [escape(str(name)) for name in columns]
    figure = go.Figure(
        [
            _cells(np.where(told, z, np.nan), names, texts, hover, [[0, RAISES], [1, RAISES]], (-10.0, 0.0)),
            # Plotly judges the contrast of a text by the cell's colour as if it were opaque, so this one is given.
            _cells(np.where(told, np.nan, z), names, texts, hover, [[0, _BLANK], [1, _BLANK]], (0.0, 1.0), TEXT),
        ]
    )
    label_rows(figure, [str(name) for name in rows])
    figure.update_yaxes(title={"text": "Grade at the start"})
    figure.update_xaxes(type="category", title={"text": "Grade a year later"})
    return finish(figure, title, subtitle, height=ROW * len(rows) + 70)


def _cells(
    values: np.ndarray, columns: list[str], texts: np.ndarray, hover: np.ndarray, scale: list[list[object]],
    ends: tuple[float, float], colour: str | None = None,
) -> go.Heatmap:  # fmt: skip
    return go.Heatmap(
        z=values, x=np.array(columns, dtype=object), y=np.arange(values.shape[0]), zmin=ends[0], zmax=ends[1],
        colorscale=scale, showscale=False, xgap=2, ygap=2, text=np.where(np.isnan(values), "", texts),
        texttemplate="%{text}", textfont={"color": colour} if colour else None, hoverongaps=False, customdata=hover,
        hovertemplate="to %{x}<br>%{text}<br>%{customdata}<extra></extra>",
    )  # fmt: skip

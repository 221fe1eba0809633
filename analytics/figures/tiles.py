"""The tile map: one square a region, placed roughly as on a map. Needs no map data and no network."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import RISK_SCALE, SMALL, escape, finish, format_axis
from analytics.words import format_value


def shorten_names(names: Iterable[str], *, length: int = 3) -> dict[str, str]:
    """Return a short code for each name, unlike every other.

    Words give their initials first ("North Holland" NHO), and a name that would repeat a code takes later letters.

    >>> shorten_names(["Lombardy", "North Holland", "Limburg (NL)", "Limburg (BE)"])
    {'Lombardy': 'LOM', 'North Holland': 'NHO', 'Limburg (NL)': 'LNL', 'Limburg (BE)': 'LBE'}
    """
    codes: dict[str, str] = {}
    for name in names:
        code = next((code for code in _candidates(name, length) if code not in codes.values()), "")
        codes[name] = code or str(len(codes) + 1)
    return codes


def _candidates(name: str, length: int) -> Iterable[str]:
    words = ["".join(letter for letter in word if letter.isalnum()) for word in name.replace("-", " ").split()]
    words = [word for word in words if word] or ["?"]
    joined = "".join(words)
    yield ("".join(word[0] for word in words[:-1])[: length - 1] + words[-1])[:length].upper()
    yield joined[:length].upper()
    for place in range(length, len(joined)):
        yield (joined[: length - 1] + joined[place]).upper()


def plot_tiles(
    frame: pd.DataFrame,
    tiles: Mapping[str, tuple[int, int]],
    *,
    region: str,
    value: str,
    unit: str,
    title: str,
    subtitle: str,
    country: str | None = None,
    n: str | None = "n",
    small: str | None = "small",
    codes: Mapping[str, str] | None = None,
    scale: Sequence[str] = RISK_SCALE,
) -> go.Figure:
    """Return squares at `tiles` (column from the left, row from the top), coloured by value.

    Regions of the frame without a tile are left out; regions flagged `small` are grey; names of `country`
    stand above their first row. Each square shows its code and value; the hover the full name and n.
    """
    placed = frame[frame[region].isin(list(tiles))].reset_index(drop=True)
    spots = np.array([tiles[name] for name in placed[region]], dtype=int).reshape(-1, 2)
    grey = placed[small].to_numpy(dtype=bool) if small in placed.columns else np.zeros(len(placed), dtype=bool)
    short = codes or shorten_names(sorted(tiles))
    figure = go.Figure()
    for few in (False, True):
        chosen = np.flatnonzero((grey | placed[value].isna().to_numpy()) == few)
        if chosen.size:
            figure.add_trace(_squares(placed, spots, chosen, (region, value, unit, n), codes=short, few=few))
    if country in placed.columns:
        _label_countries(figure, placed[country], spots)
    _fit(figure, spots, scale, unit)
    height = 36 * (int(np.ptp(spots[:, 1])) + 1) + 64 if len(spots) else 120
    return finish(figure, title, subtitle, height=height)


def _squares(
    frame: pd.DataFrame,
    spots: np.ndarray,
    chosen: np.ndarray,
    columns: tuple[str, str, str, str | None],
    *,
    codes: Mapping[str, str],
    few: bool,
) -> go.Heatmap:
    region, value, unit, n = columns
    width, height = spots.max(axis=0) + 1
    z = np.full((height, width), np.nan)
    text, hover = np.full((2, height, width), "", dtype=object)
    for place in chosen:
        row, (x, y) = frame.iloc[place], spots[place]
        shown = format_value(row[value], unit)
        z[y, x] = 0.0 if few else row[value]
        text[y, x] = f"<b>{escape(codes.get(row[region], row[region]))}</b><br>{_brief(row[value], unit)}"
        count = f"<br>n {format_value(row[n])}" if n in frame.columns else ""
        hover[y, x] = f"<b>{escape(str(row[region]))}</b><br>{shown}{count}"
        hover[y, x] += "<br>few loans: read with care" if few else ""
    style: dict[str, object] = {"coloraxis": "coloraxis", "textfont": {"size": 10.5}}
    if few:
        style = {
            "colorscale": [[0, SMALL], [1, SMALL]],
            "showscale": False,
            "textfont": {"size": 10.5, "color": "#1E293B"},
        }
    return go.Heatmap(
        z=z, text=text, texttemplate="%{text}",  customdata=hover, hoverongaps=False,
        hovertemplate="%{customdata}<extra></extra>", xgap=3, ygap=3, showlegend=False,
        name="few loans" if few else "", **style,
    )  # fmt: skip


def _brief(value: float, unit: str) -> str:
    """Return a value short enough for a square: a share in per cent with one decimal, without the sign."""
    text = f"{100 * value:.1f}" if unit == "share" else format_value(value, unit)
    return "–" if pd.isna(value) else text


def _label_countries(figure: go.Figure, countries: pd.Series, spots: np.ndarray) -> None:
    for name in pd.unique(countries):
        own = spots[(countries == name).to_numpy()]
        x, y = own[:, 0].min(), own[:, 1].min()
        figure.add_annotation(
            x=x - 0.46, y=y - 0.52, text=escape(str(name)), showarrow=False, xanchor="left", yanchor="bottom"
        )


def _fit(figure: go.Figure, spots: np.ndarray, scale: Sequence[str], unit: str) -> None:
    hidden = {"showgrid": False, "showticklabels": False, "zeroline": False, "fixedrange": True}
    low, high = (spots.min(axis=0), spots.max(axis=0)) if len(spots) else (np.zeros(2), np.zeros(2))
    figure.update_xaxes(range=[low[0] - 0.5, high[0] + 0.5], constrain="domain", **hidden)
    figure.update_yaxes(
        range=[high[1] + 0.5, low[1] - 1.0], scaleanchor="x", constrain="domain", constraintoward="top", **hidden
    )
    stops = [[step / (len(scale) - 1), colour] for step, colour in enumerate(scale)]
    # Below the map: beside it, the colour bar would take width that the squares need.
    place = {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yanchor": "top", "ypad": 4}
    bar = {"thickness": 8, "len": 0.45, "outlinewidth": 0, "nticks": 5, **place, **format_axis(unit)}
    figure.update_layout(coloraxis={"colorscale": stops, "colorbar": bar})

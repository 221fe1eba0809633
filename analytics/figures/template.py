"""The house template: one palette and one layout for every figure, on light and on dark grounds.

Trace colours are explicit and reach a contrast of 3:1 on white and on #0F172A (WCAG 2.1, 1.4.11). Text
colours are left to the template, so that a theme can set them; its own mid slate reads on both grounds.
Navy, teal, violet and amber stay apart under deuteranopia and protanopia; markers differ as well.
"""

import textwrap
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from analytics.words import SIGNS

NAME = "hypothec"
TEXT = "#64748B"
GRID = "rgba(100, 116, 139, 0.18)"
FONTS = "Inter, 'Source Sans 3', 'Source Sans', system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"

NAVY, TEAL, VIOLET = "#2F63B4", "#109A8A", "#A678F2"
AMBER, ROSE, SLATE, OLIVE, CLAY = "#CB7A04", "#DB2F68", "#64748B", "#6F7F1F", "#9A5B2E"
CHAMPION = NAVY
FAMILIES = {"boosting": TEAL, "neural": VIOLET}
# Families of the contest of models; with so many at once markers tell apart what colour alone cannot.
CONTENDERS = {"logistic": "#A8891A", "mlp": "#3F9142", "tabm": "#E25A3C", "additive": "#A85C86",
              "sequence": "#0E8FC7", "competing": "#C044B8"}  # fmt: skip
FURTHER = (AMBER, ROSE, SLATE, OLIVE, CLAY)
CATEGORICAL = (SLATE, AMBER, ROSE, OLIVE, CLAY)
MARKERS = {NAVY: "circle", TEAL: "square", VIOLET: "diamond", AMBER: "triangle-up", ROSE: "triangle-down",
           SLATE: "cross", OLIVE: "pentagon", CLAY: "hexagon", "#A8891A": "x", "#3F9142": "star", "#E25A3C": "bowtie",
           "#A85C86": "hourglass", "#0E8FC7": "star-diamond", "#C044B8": "hexagram"}  # fmt: skip

# Arrears by days past due: one hue, later is darker and redder.
ARREARS_STAGES = {"arrears_30": "#CC7F22", "arrears_60": "#C85F2A", "arrears_90": "#C2464B"}
RISK_SCALE = ("#F7E3C0", "#EFB873", "#DD8443", "#B84C34", "#7C2430")
AMOUNT_SCALE = ("#DCE8F5", "#A9C5E6", "#6D9BD1", "#3C6DB0", "#1F4177")
SMALL = "#A9B4C2"  # cells too small to read
RAISES, LOWERS = "#C8553D", "#3E7CB1"

_TITLE, _SUBTITLE, _LEGEND, _PANEL = 21, 17, 24, 24  # pixels a line


def _make_template() -> go.layout.Template:
    axis = {"gridcolor": GRID, "gridwidth": 1, "zeroline": False, "automargin": True, "ticks": "", "linecolor": GRID,
            "title": {"font": {"size": 12}, "standoff": 8}}  # fmt: skip
    layout = go.Layout(
        font={"family": FONTS, "size": 13, "color": TEXT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=CATEGORICAL,
        title={"x": 0, "xanchor": "left", "font": {"size": 16, "weight": 600}, "subtitle": {"font": {"size": 12.5}}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "yref": "container", "yanchor": "top",
                "traceorder": "normal", "bgcolor": "rgba(0,0,0,0)"},
        xaxis={**axis, "showgrid": False},
        yaxis=axis,
        margin={"l": 8, "r": 16, "t": 60, "b": 8},
        hovermode="closest",
        hoverlabel={"align": "left"},
        modebar={"bgcolor": "rgba(0,0,0,0)", "remove": ["lasso2d", "select2d", "autoScale2d"]},
        dragmode=False,
    )  # fmt: skip
    return go.layout.Template(layout=layout)


pio.templates[NAME] = _make_template()


def model_colours(models: Sequence[tuple[str, str, bool]]) -> dict[str, str]:
    """Return each model's colour from (name, family, is champion), the same for the same list everywhere.

    The champion is navy whatever its family; the first boosting teal, the first neural violet, the first of each other
    family that is fitted here its own; all others take the further colours in the order given.

    >>> model_colours([("card", "scorecard", True), ("gbm", "boosting", False), ("forest", "external", False)])
    {'card': '#2F63B4', 'gbm': '#109A8A', 'forest': '#CB7A04'}
    """
    own = FAMILIES | CONTENDERS
    colours: dict[str, str] = {}
    others = 0
    for name, family, is_champion in models:
        colour = CHAMPION if is_champion else own.get(family, "")
        if not colour or colour in colours.values():
            colour = FURTHER[others % len(FURTHER)]
            others += 1
        colours[name] = colour
    return colours


def present_models(frame: pd.DataFrame, colours: Mapping[str, str]) -> list[str]:
    """Return the models of `frame` (column model) in the order of `colours`."""
    found = set(frame["model"])
    return [name for name in colours if name in found]


def draw_order(frame: pd.DataFrame, colours: Mapping[str, str]) -> list[str]:
    """Return the models of `frame` in the order of `colours`, the champion last so that it lies on top."""
    return sorted(present_models(frame, colours), key=lambda name: colours[name] == CHAMPION)


def marker_of(colour: str) -> str:
    """Return the marker that goes with a palette colour, for readers who cannot tell colours apart."""
    return MARKERS.get(colour, "circle")


def fade(colour: str, opacity: float) -> str:
    """Return a hex colour with an opacity.

    >>> fade("#2F63B4", 0.5)
    'rgba(47, 99, 180, 0.5)'
    """
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def escape(text: str) -> str:
    """Return text that plotly shows as it is: data may hold < and &, which plotly reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrap(text: str, width: int) -> str:
    """Return escaped text broken into lines of at most `width` characters."""
    whole = text.replace(" %", "\u00a0%")  # a number stays with its sign
    return "<br>".join(escape(line) for line in textwrap.wrap(whole, width, break_long_words=True)) or ""


def finish(
    figure: go.Figure, title: str, subtitle: str, *, height: int, width_hint: int = 60, panels: bool = False
) -> go.Figure:
    """Set title (the finding), subtitle (what is plotted, on how many loans), margins and height.

    `height` is that of the plot alone; lines of title, subtitle and legend are added. `width_hint` is how many
    characters of title fit beside each other, about 7 pixels each; `panels` leaves room for panels' titles.
    """
    head, below = wrap(title, width_hint), wrap(subtitle, int(width_hint * 1.25))
    names = [trace.name or "" for trace in figure.data if getattr(trace, "showlegend", None)]  # a Sankey has none
    # A legend entry is its marker and its name; as many stand beside each other as there is room for.
    rows = -(-sum(len(name) + 6 for name in names) // int(width_hint * 1.05)) if len(names) > 1 else 0
    used = 22 + _TITLE * (head.count("<br>") + 1) * bool(head) + _SUBTITLE * (below.count("<br>") + 1) * bool(below)
    top = used + _LEGEND * rows + _PANEL * panels
    figure.update_layout(
        template=NAME,
        meta={"title": title, "subtitle": subtitle, "height": height, "panels": panels},
        title={"text": head, "subtitle": {"text": below}, "x": 0, "xref": "container", "xanchor": "left", "y": 1,
               "yref": "container", "yanchor": "top", "pad": {"t": 2 + _TITLE * head.count("<br>"), "l": 2}},
        showlegend=len(names) > 1,
        legend={"y": 1 - used / (height + top)},
        height=height + top,
        margin={"l": 8, "r": 16, "t": top, "b": 8},
    )  # fmt: skip
    return figure


def refit(figure: go.Figure, width_hint: int) -> go.Figure:
    """Break title, subtitle and legend of a finished figure anew for a card of another width, in characters.

    Plotly does not wrap: a title is as wide as its longest line, and what does not fit is cut.
    """
    return finish(figure, **figure.layout.meta, width_hint=width_hint)


def format_axis(unit: str) -> dict[str, object]:
    """Return the axis settings that show values of a unit: share as %, money with its sign and K, M, B."""
    if unit == "share":
        return {"tickformat": ".3~%"}
    if len(unit) == 3 and unit.isupper():
        return {"tickprefix": SIGNS.get(unit, f"{unit} "), "exponentformat": "B", "separatethousands": True}
    return {"ticksuffix": "%" if unit == "%" else "", "separatethousands": True, "exponentformat": "B"}

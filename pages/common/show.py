"""How a result is shown: figure or table, its definition, its download."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analytics.figures.template import refit
from analytics.words import format_value
from pages.common import cached
from pages.common.exports import to_csv
from pages.common.shell import View, describe_filters, plain

CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "hypothec"},
}
CHARACTERS = {1: 100, 2: 46, 3: 30}  # of a title beside each other, by cards in a row, on a page 1280 pixels wide


@dataclass(frozen=True)
class Definition:
    """How a figure is computed: in words, as a formula, over which data, by which model version."""

    text: str
    formula: str = ""
    window: str = ""
    model: str = ""


def figure(
    view: View,
    chart: go.Figure,
    table: pd.DataFrame,
    definition: Definition,
    *,
    key: str,
    share: int = 1,
    characters: int = 0,
    first: Literal["Chart", "Table"] = "Chart",
    export: Callable[[], None] | None = None,
    on_point: Callable[[Any], None] | None = None,
) -> None:
    """Show a chart in a card with its table, its definition and a download.

    `share` is how many such cards stand side by side: titles are broken to fit the narrowest supported page
    (`characters` says so itself, for a card of another width). `first` is what is seen at first. `export` draws
    another menu in place of the CSV button. `on_point` is called with the customdata of a point that is clicked.
    """
    refit(chart, characters or CHARACTERS[share])
    with st.container(border=True, height="stretch"):
        place = st.container()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shown = st.segmented_control(
                "Shown as",
                ["Chart", "Table"],
                default=first,
                required=True,
                key=f"{key}_as",
                label_visibility="collapsed",
                persist_state="session",
            )
            _explain(view, definition, key)
            if export is not None:
                export()
            else:
                _offer_csv(table, key)
        if shown == "Table":
            place.dataframe(
                table, hide_index=True, key=f"{key}_table", height="content" if first == "Table" else "auto"
            )
        elif on_point is None:
            place.plotly_chart(chart, key=f"{key}_chart", config=CONFIG, alt=_title(chart))
        else:
            place.plotly_chart(
                chart,
                key=f"{key}_chart",
                config=CONFIG,
                alt=_title(chart),
                on_select=lambda: _pass_point(f"{key}_chart", on_point),
                selection_mode="points",
            )


def _offer_csv(table: pd.DataFrame, key: str) -> None:
    st.download_button(
        "CSV",
        lambda: to_csv(table),
        file_name=f"hypothec_{key}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"{key}_csv",
        on_click="ignore",
        type="tertiary",
    )


def _pass_point(name: str, on_point: Callable[[Any], None]) -> None:
    """Hand the clicked point's customdata on; a click on nothing clears the selection and is passed over."""
    points = st.session_state[name].selection.points
    if points and points[0].get("customdata") is not None:
        on_point(points[0]["customdata"])


def _title(chart: go.Figure) -> str:
    return str(chart.layout.meta["title"])


def _explain(view: View, definition: Definition, key: str) -> None:
    portfolio = cached.portfolio(view.selection)
    with st.popover("How is this computed?", icon=":material/function:", type="tertiary", key=f"{key}_how"):
        st.markdown(definition.text)
        if definition.formula:
            st.code(definition.formula, language=None, wrap_lines=True)
        rows = {
            "Selection": describe_filters(view),
            "Data window": definition.window,
            "Model": definition.model,
            "Source": portfolio.manifest["source"],
            "Data SHA-256": portfolio.data_hash[:16] + "…",
        }
        st.markdown("\n".join(f"- **{name}:** {plain(str(value))}" for name, value in rows.items() if value))


@dataclass(frozen=True)
class Card:
    """One figure of the top row: its latest value, how it stood a year before, and its course."""

    label: str
    value: float
    unit: str
    before: float | None
    course: list[float]
    lower_is_better: bool = False
    explanation: str = ""
    since: str = "a year ago"


def cards(items: list[Card]) -> None:
    """Show cards of equal size in a grid that reflows."""
    with st.grid("auto", min_column_width=178, gap="small"):
        for item in items:
            delta = _delta(item)
            st.metric(
                item.label,
                format_value(item.value, item.unit),
                delta,
                delta_color="inverse" if item.lower_is_better else "off",
                border=True,
                height="stretch",
                chart_data=item.course or None,
                chart_type="line",
                help=item.explanation or None,
                delta_description=f"on {item.since}" if delta not in (None, 0) else None,
            )


def _delta(item: Card) -> str | int | None:
    """Return the change since the year before: points for shares, per cent for amounts, 0 where it does not show."""
    if item.before is None or pd.isna(item.before) or pd.isna(item.value):
        return None
    if item.unit == "share":
        points = round(100 * (item.value - item.before), 2)
        return f"{points:+.2f} pp" if points else 0  # a plain hyphen: Streamlit reads the sign from it
    if not item.before:
        return None
    change = round(100 * (item.value / item.before - 1), 1)
    return f"{change:+.1f} %" if change else 0

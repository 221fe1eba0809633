"""All fields of a snapshot in one table, put into words: what is missing, where the values lie, a small picture."""

from typing import Any

import pandas as pd
import streamlit as st

from analytics.profile import compute_profile
from analytics.words import format_share, format_value
from pages.common import cached, cohort_data, field_data
from pages.common.cached import remember
from pages.common.shell import View
from portfolio.selection import Selection, select_rows

DEFINITION = (
    "Each field of the snapshot: the share of rows without a value, how many different values there are (an estimate, "
    "a few per cent off), and for numbers the mean, the median and the values between which nine tenths lie, for "
    "categories the most frequent value. The picture has 16 equal steps between the 1 % and 99 % quantiles, read "
    "off 13 quantiles, or the ten largest categories."
)


@remember
def profile(selection: Selection, key: str) -> pd.DataFrame:
    """Return one row a field of a snapshot, numbers first."""
    here = cached.engine(selection)
    rows = select_rows(here.snapshots([key]), selection.where)
    fields = field_data.fields(selection, key)
    categories = [item.name for item in fields if cohort_data.is_category(item)]
    numbers = [item.name for item in fields if item.name not in categories]
    return compute_profile(rows, here.fetch, numbers=numbers, categories=categories)


def finding(view: View, key: str) -> str:
    """Return which fields miss most."""
    table = profile(view.selection, key).sort_values("missing_share", ascending=False)
    worst = table[table["missing_share"] > 0]
    if worst.empty:
        return f"No value is missing in any of the {len(table)} fields."
    name, share = worst.iloc[0]["field"], worst.iloc[0]["missing_share"]
    return (
        f"{len(worst)} of {len(table)} fields have missing values, {view.schema.get(name).label} most: "
        f"{format_share(share)}."
    )


def table(view: View, key: str) -> pd.DataFrame:
    """Return the profile in words: one row a field."""
    rows = []
    for row in profile(view.selection, key).to_dict("records"):
        item = view.schema.get(row["field"])
        rows.append({
            "Field": item.label + (" ◆" if "protected" in item.roles else ""),
            "Values": row["picture"] if isinstance(row["picture"], list) else [],
            "Missing": 100 * row["missing_share"],
            "Different": row["distinct"],
            "Mean": format_value(row["mean"], item.unit) if row["kind"] == "number" else "",
            "Median or most frequent": _typical(row, item.unit),
            "Nine tenths lie": _middle(row, item.unit),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _typical(row: dict[Any, Any], unit: str) -> str:
    if row["kind"] == "number":
        return format_value(row["median"], unit)
    if pd.isna(row["most_frequent"]):
        return ""
    return f"{row['most_frequent']} ({format_share(row['most_frequent_share'])})"


def _middle(row: dict[Any, Any], unit: str) -> str:
    if row["kind"] != "number" or pd.isna(row["q05"]):
        return ""
    return f"{format_value(row['q05'], unit)} to {format_value(row['q95'], unit)}"


def columns() -> dict[str, Any]:
    """Return how the table's columns are drawn."""
    config = st.column_config
    return {
        "Field": config.TextColumn(pinned=True, width=190, help="◆ protected: never reaches a model"),
        "Values": config.BarChartColumn(width=120, y_min=0),
        "Missing": config.ProgressColumn(min_value=0, max_value=100, format="%.1f %%", width=110),
        "Different": config.NumberColumn(format="localized", width=90),
    }

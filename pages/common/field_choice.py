"""A field chosen by clicks: which field, of which snapshot, split by what, and which correlation."""

from typing import Any

import streamlit as st

from analytics.associations import Method
from pages.common import cohort_data, field_data, field_words
from pages.common.shell import View
from portfolio.workspace import UNDATED

PREFERRED = ("income", "ltv", "debt_service")


def choose_field(view: View) -> tuple[str, str, str, Method]:
    """Draw the choice and return snapshot, field, split ("" for none) and method. Everything chosen is in the link."""
    with st.container(border=True):
        dated = _keys(view) != [UNDATED]
        columns = st.columns([2, 1, 1] if dated else [3, 1], gap="small", vertical_alignment="bottom")
        key = choose_snapshot(view, columns[1])
        options = [item.name for item in field_data.fields(view.selection, key)]
        name = columns[0].selectbox(
            "Field", options, index=_first(view, options), format_func=lambda item: view.schema.get(item).label,
            key="fields_field", bind="query-params",
        )  # fmt: skip
        method = columns[-1].segmented_control(
            "Correlation", ["Spearman", "Pearson"], default="Spearman", required=True, key="fields_method",
            bind="query-params", width="stretch",
        )  # fmt: skip
        by = st.pills(
            "Split by",
            field_words.splits(view, key, name),
            format_func=lambda item: field_words.name_split(view, item),
            default="",
            required=True,
            key="fields_by",
            bind="query-params",
            wrap=True,
        )
    return key, name, by, "pearson" if method == "Pearson" else "spearman"


def choose_snapshot(view: View, place: Any) -> str:
    """Draw the choice of a snapshot in `place`, where there are several, and return its key."""
    keys, key = _keys(view), str(cohort_data.default_date(view.selection))
    if keys == [UNDATED]:
        return key
    chosen: str = place.selectbox(
        "Snapshot", keys, index=keys.index(key), key="fields_date", bind="query-params",
        help="Opens at the latest snapshot with known outcomes.",
    )  # fmt: skip
    return chosen


def _keys(view: View) -> list[str]:
    return [str(key) for key in cohort_data.known_dates(view.selection)["key"]][::-1]


def _first(view: View, options: list[str]) -> int:
    """Return the place of the field that opens: income, loan-to-value or debt service, or the first number."""
    known = [view.schema.meaning(meaning) for meaning in PREFERRED]
    names = [item.name for item in known if item is not None]
    numbers = [name for name in options if not cohort_data.is_category(view.schema.get(name))]
    return next((options.index(name) for name in [*names, *numbers] if name in options), 0)

"""A field chosen by clicks: which field, of which snapshot, split by what, and which correlation."""

import streamlit as st

from analytics.associations import Method
from pages.common import cohort_data, field_data, field_words
from pages.common.shell import View
from portfolio.workspace import UNDATED

PREFERRED = ("income", "ltv", "debt_service")


def choose_field(view: View) -> tuple[str, str, str, Method]:
    """Draw the choice and return snapshot, field, split ("" for none) and method. Everything chosen is in the link."""
    keys = [str(key) for key in cohort_data.known_dates(view.selection)["key"]][::-1]
    key = cohort_data.default_date(view.selection)
    with st.container(border=True):
        columns = st.columns([2, 1, 1] if keys != [UNDATED] else [3, 1], gap="small", vertical_alignment="bottom")
        if keys != [UNDATED]:
            key = columns[1].selectbox(
                "Snapshot", keys, index=keys.index(key), key="fields_date", bind="query-params",
                help="Opens at the latest snapshot with known outcomes.",
            )  # fmt: skip
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


def _first(view: View, options: list[str]) -> int:
    """Return the place of the field that opens: income, loan-to-value or debt service, or the first number."""
    known = [view.schema.meaning(meaning) for meaning in PREFERRED]
    names = [item.name for item in known if item is not None]
    numbers = [name for name in options if not cohort_data.is_category(view.schema.get(name))]
    return next((options.index(name) for name in [*names, *numbers] if name in options), 0)

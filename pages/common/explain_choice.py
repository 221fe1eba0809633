"""What several sections of Explain let a reader choose alike: a model, and fields or groups."""

import streamlit as st

from pages.common.explain_groups import FIELDS, GROUPS, name_groups
from pages.common.explain_words import Words


def choose_grouping(words: Words) -> str:
    """Draw the choice between fields and groups, where the schema has groups, and return it."""
    if not name_groups(words.schema):
        return FIELDS
    by: str = st.segmented_control(
        "By", [FIELDS, GROUPS], default=FIELDS, required=True, key="explain_by", bind="query-params",
        help="Fields of one group in the schema are added up loan by loan before they are ranked.",
    )  # fmt: skip
    return by


def choose_model(words: Words) -> str:
    """Draw the choice of a model and return its reference; the sections of the page share it."""
    ref: str = st.segmented_control(
        "Model", list(words.labels), default=words.default_model(), required=True,
        format_func=words.labels.__getitem__, key="explain_model", bind="query-params",
    )  # fmt: skip
    return ref

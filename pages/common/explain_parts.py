"""The sections of the Explain page; only the open section runs."""

from collections.abc import Callable

import streamlit as st

from pages.common import (
    explain_cohorts,
    explain_drivers,
    explain_feature,
    explain_interactions,
    explain_loan,
    explain_models,
    explain_trust,
)
from pages.common.shell import View

SHOW: dict[str, Callable[[View], None]] = {
    "Drivers": explain_drivers.draw,
    "Cohorts and time": explain_cohorts.draw,
    "One feature": explain_feature.draw,
    "Interactions": explain_interactions.draw,
    "One loan": explain_loan.draw,
    explain_models.SECTION: explain_models.draw,
    "Trust": explain_trust.draw,
}


def first_section() -> str:
    """Return the section an address without one opens: a link to a loan opens that loan."""
    return "One loan" if "explain_loan" in st.query_params else "Drivers"

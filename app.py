"""The dashboard's entry: page config, sign-in gate, navigation. Run it with `streamlit run app.py`."""

from typing import Any

import streamlit as st

from pages.common import gate, server, shell
from portfolio.errors import HypothecError


def page(path: str, name: str, **words: Any) -> Any:
    """Return a page; while the gate is locked it is the gate that stands at the page's address."""
    return st.Page(gate.ask if gate.is_locked() else path, title=name, url_path=name.lower().replace(" ", "_"), **words)


def draw() -> None:
    """Draw the page that the visitor asked for."""
    st.set_page_config(page_title="Hypothec", page_icon="🏠", layout="wide")
    chosen = st.navigation(
        {
            "Portfolio": [
                page("pages/portfolio/overview.py", "Overview", icon=":material/home_work:", default=True,
                     help="How big the book is, where it is going wrong and what changed."),
                page("pages/portfolio/explore.py", "Explore", icon=":material/query_stats:",
                     help="Any measure by any field, down to the loans."),
                page("pages/portfolio/cohorts.py", "Cohorts", icon=":material/group_work:",
                     help="Whether two groups of loans differ, in what, and by how much."),
                page("pages/portfolio/fields.py", "Fields", icon=":material/scatter_plot:",
                     help="How a field is distributed and what it moves with."),
                page("pages/portfolio/vintages.py", "Vintages", icon=":material/timeline:",
                     help="Which vintages go bad, how loans roll into arrears and back, who prepays."),
                page("pages/portfolio/quality.py", "Quality", icon=":material/fact_check:",
                     help="Whether the data can be trusted: what is missing, refused or odd."),
                page("pages/portfolio/sql.py", "SQL", icon=":material/terminal:",
                     help="Read-only SQL on the portfolio's tables."),
            ],
            "Models": [
                page("pages/models/compare.py", "Compare", icon=":material/balance:",
                     help="Whether a challenger is better than the champion, by how much, how sure."),
                page("pages/models/explain.py", "Explain", icon=":material/account_tree:",
                     help="What drives the PDs, and why a loan got its own."),
                page("pages/models/what_if.py", "What if", icon=":material/tune:",
                     help="What would change a loan's PD, and what a shock would do to the book."),
                page("pages/models/experiments.py", "Experiments", icon=":material/science:",
                     help="Which architecture wins the contest, is its lead clear, and at what cost."),
            ],
            "Risk": [
                page("pages/risk/validate.py", "Validate", icon=":material/verified:",
                     help="The supervisor's tests grade by grade, and the opinion that follows."),
            ],
        }
    )  # fmt: skip
    if not gate.is_locked():
        shell.choose()
    try:
        chosen.run()
    except HypothecError as error:  # a changed model file, say: the sentence says what to do
        st.error(str(error), icon=":material/error:")


if __name__ == "__main__":  # each visit runs this file
    draw()
else:  # the server imports it once
    app = st.App(__file__, lifespan=server.lifespan, middleware=server.middleware())

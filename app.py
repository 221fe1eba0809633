"""The dashboard's entry: page config, sign-in gate, navigation. Run it with `streamlit run app.py`."""

import streamlit as st

from pages.common import gate

st.set_page_config(page_title="Hypothec", page_icon="🏠", layout="wide")
page = st.navigation(
    {
        "Portfolio": [
            st.Page("pages/portfolio/overview.py", title="Overview", icon=":material/home_work:", default=True,
                    help="How big the book is, where it is going wrong and what changed."),
        ],
        "Models": [
            st.Page("pages/models/compare.py", title="Compare", icon=":material/balance:",
                    help="Whether a challenger is better than the champion, by how much, how sure."),
            st.Page("pages/models/explain.py", title="Explain", icon=":material/account_tree:",
                    help="What drives the PDs, and why a loan got its own."),
        ],
    }
)  # fmt: skip
gate.require_access()
page.run()

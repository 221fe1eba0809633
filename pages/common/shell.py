"""What surrounds every page: the gate, the sidebar's selection and the header."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import streamlit as st

from pages.common import cached, gate
from portfolio.errors import HypothecError
from portfolio.schema import Schema
from portfolio.selection import Selection
from portfolio.workspace import DEFAULT_PORTFOLIO, list_portfolios, workspace_root

Reading = Literal["Business", "Risk"]
_VIEW = "view"
PILLS = 6  # segments with more values than this get a searchable list


@dataclass(frozen=True)
class View:
    """What a page needs to know: the selection, how to word it, and the portfolio's schema."""

    selection: Selection
    reading: Reading
    schema: Schema

    @property
    def business(self) -> bool:
        """Whether figures are worded for business readers."""
        return self.reading == "Business"

    def word(self, business: str, risk: str) -> str:
        """Return the wording that fits the reading."""
        return business if self.business else risk


def open_page(title: str, question: str) -> View:
    """Ask the gate, draw the header and return what was chosen in the sidebar. Every page begins with this."""
    gate.require_access()
    view = st.session_state.get(_VIEW, "This page opens through app.py, which asks what to look at.")
    if not isinstance(view, View):
        stop_with(view)
    _header(view, title, question)
    return view


def choose() -> None:
    """Draw the sidebar and keep what was chosen for the page.

    app.py calls this, not the pages: widgets of a page would lose their values when another page is opened.
    """
    try:
        st.session_state[_VIEW] = _sidebar()
    except HypothecError as error:
        st.session_state[_VIEW] = str(error)


def stop_with(message: str, way_back: str = "") -> NoReturn:
    """Say in one sentence why there is nothing to show and how to go on, and end the page."""
    st.info(message, icon=":material/info:")
    if way_back:
        st.caption(way_back)
    st.stop()


def first_view() -> View:
    """Return what is shown before anything is chosen: the whole of the first portfolio."""
    workspace, names, first = _portfolios()
    bare = Selection(str(workspace), names[first])
    return View(bare, "Business", cached.portfolio(bare).schema)


def _portfolios() -> tuple[Path, list[str], int]:
    """Return the workspace, its portfolios and the place of the one that opens first."""
    workspace = workspace_root()
    names = list_portfolios(workspace)
    if not names:
        raise HypothecError(
            f"There is no portfolio in {workspace} yet. `python cli.py demo` builds the demo, "
            "`python cli.py ingest table FILE --portfolio NAME` brings in your own table, "
            "`python cli.py ingest history LOANS PERFORMANCE --portfolio NAME` your own history."
        )
    wanted = os.environ.get("HYPOTHEC_PORTFOLIO", DEFAULT_PORTFOLIO)
    return workspace, names, names.index(wanted) if wanted in names else 0


def _sidebar() -> View:
    workspace, names, first = _portfolios()
    with st.sidebar:
        name = st.selectbox("Portfolio shown", names, index=first, key="portfolio", bind="query-params")
        reading = st.segmented_control(
            "Reading",
            ["Business", "Risk"],
            default="Business",
            required=True,
            key="reading",
            bind="query-params",
            width="stretch",
            help="The same figures in other words: Business is plain, Risk has every detail.",
        )
        bare = Selection(str(workspace), name if name in names else names[first])
        schema = cached.portfolio(bare).schema
        where = tuple(filter(None, (_segment(bare, item.name, item.label) for item in schema.with_role("segment"))))
        if where:
            st.button(
                "Clear all filters", icon=":material/filter_alt_off:", on_click=_clear, args=(schema,), width="stretch"
            )
    return View(Selection(bare.workspace, bare.portfolio, where), "Risk" if reading == "Risk" else "Business", schema)


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: amounts in dollars are no formulas, names with stars no emphasis."""
    return re.sub(r"([\\`*_\[\]$<>~:#|])", r"\\\1", text)


def _segment(bare: Selection, name: str, label: str) -> tuple[str, tuple[str, ...]] | None:
    """Draw one segment's filter; return its field and the values kept, or None for all."""
    values = cached.segment_values(bare, name)
    key = f"only_{name}"
    if len(values) < 2:
        return None
    if len(values) <= PILLS:
        chosen = st.pills(label, values, selection_mode="multi", key=key, bind="query-params", wrap=True)
    else:
        chosen = st.multiselect(label, values, key=key, bind="query-params", placeholder="All")
    kept = tuple(value for value in chosen if value in values)
    return (name, kept) if kept and len(kept) < len(values) else None


def _clear(schema: Schema) -> None:
    for item in schema.with_role("segment"):
        if f"only_{item.name}" in st.session_state:
            st.session_state[f"only_{item.name}"] = []


def _header(view: View, title: str, question: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.header(title, width="content", anchor=False)
        st.markdown(plain(view.schema.title), width="content")
        if view.schema.synthetic:
            st.badge(
                "Synthetic data",
                icon=":material/science:",
                color="orange",
                help="Generated by Hypothec, calibrated to published figures; no real borrower is in it.",
            )
        if view.selection.where:
            st.badge(plain(describe_filters(view)), icon=":material/filter_alt:", color="blue")
    st.caption(question)


def describe_filters(view: View) -> str:
    """Return the filters with the schema's labels."""
    parts = [f"{view.schema.get(name).label}: {', '.join(values)}" for name, values in view.selection.where]
    return "; ".join(parts) or "whole portfolio"

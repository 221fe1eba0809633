"""From a bar or cell of Explore down to its loans: which cell, what its rows add up to, and the largest of them."""

from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from analytics.pivot import Cell
from pages.common import explore_data, exports, shell
from pages.common.explore_answer import Found
from pages.common.explore_fields import Fields
from pages.common.explore_words import drill_columns
from portfolio.observed import PD
from portfolio.schema import OBSERVATION_DATE

KEYS = {"row": "explore_row", "column": "explore_column"}
WHOLE = "All"
ROWS = 1000


def choose(customdata: Any) -> None:
    """Keep the cell that was clicked: its labels come first in a point's customdata."""
    for key, label in zip(KEYS.values(), customdata, strict=False):
        st.session_state[key] = label or WHOLE


def draw(fields: Fields, found: Found) -> None:
    """Draw the choice of a cell and, once one is chosen, the loans behind it."""
    words, question = found.words, found.asked.question
    if words is None or not question.dimensions:
        return
    st.markdown(f"##### The {fields.schema.subject}s behind it")
    chosen: dict[str, str | None] = {}
    with st.container(horizontal=True, gap="small"):
        for (name, dimension), label in zip(question.dimensions.items(), words.dimension_labels(), strict=True):
            options = [WHOLE, *(part.label for part in dimension.parts)]
            if st.session_state.get(KEYS[name]) not in (None, *options):
                st.session_state[KEYS[name]] = WHOLE  # the groups have changed
            picked = st.selectbox(label, options, key=KEYS[name], bind="query-params", width=260)
            chosen[name] = None if picked == WHOLE else picked
    cell = Cell(chosen.get("row"), chosen.get("column"))
    if cell == Cell():
        st.caption("Click a bar, a point of a line or a cell, or choose one here.")
        return
    _loans(fields, found, cell)


def _loans(fields: Fields, found: Found, cell: Cell) -> None:
    asked = found.asked
    total = explore_data.cell(fields.selection, asked.keys, asked.question, cell)
    if not total["loans"]:
        st.info(f"No {fields.schema.subject} is in this cell.", icon=":material/info:")
        return
    if found.words is not None:
        st.markdown(shell.plain(found.words.reconcile(total, cell)))
    columns = drill_columns(fields, asked.question)
    rows = explore_data.cell_rows(fields.selection, asked.keys, asked.question, cell, columns)
    if total["loans"] > len(rows):
        by = "by exposure" if fields.exposure else "by their number"
        st.caption(f"The first {len(rows):,} of {int(total['loans']):,}, sorted {by}.")
    shown = rows.assign(Explain=pd.Series(_links(fields, rows), index=rows.index, dtype=object))
    st.dataframe(
        shown,
        hide_index=True,
        key="explore_loans",
        height=320,
        column_order=["Explain", *rows.columns],
        column_config={
            "Explain": st.column_config.LinkColumn("Explain", display_text="Explain"),
            **{name: _config(fields, name) for name in rows.columns},
        },
    )
    exports.menu(rows, "hypothec_loans", found.about, key="explore_drill")


def _config(fields: Fields, name: str) -> Any:
    """Return how a column is headed and shown; shares as per cent."""
    if name in (fields.schema.id.name, fields.target):
        return st.column_config.Column(fields.schema.get(name).label)
    label = fields.label(name)
    if name == OBSERVATION_DATE or (name != PD and fields.schema.get(name).kind == "date"):
        return st.column_config.DateColumn(label)
    if fields.unit(name) == "share":
        return st.column_config.NumberColumn(label, format="percent")
    if name == fields.exposure:
        return st.column_config.NumberColumn(label, format="localized")
    return st.column_config.Column(label)


def _links(fields: Fields, rows: pd.DataFrame) -> list[str]:
    """Return the address that explains each loan, for those in the snapshot that the Explain page opens."""
    ids = rows[fields.schema.id.name].astype(str)
    known = explore_data.explained_loans(fields.selection, tuple(dict.fromkeys(ids)))
    name = fields.selection.portfolio
    return ["/explain?" + urlencode({"portfolio": name, "explain_loan": loan}) if loan in known else "" for loan in ids]

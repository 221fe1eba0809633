"""Explain, section One loan: finding the loan by its id, among examples, in a list or on a chart."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.figures.loan import plot_cloud
from analytics.words import format_list
from pages.common import explain_loan_data, shell, show
from pages.common.explain_loan_words import LoanWords

LOAN, EXAMPLE, PARTS = "explain_loan", "explain_example", "explain_part"
WAYS = ("Examples", "List", "Chart")


def pick_row(table: str, loans: list[str]) -> None:
    """Keep the loan of the row that was chosen in a table; clearing the choice changes nothing."""
    rows = st.session_state[table].selection.rows
    if rows:
        _take(loans[rows[0]])


def pick_point(customdata: Any) -> None:
    """Keep the loan whose point was clicked: its id comes first in the point's customdata."""
    _take(str(customdata[0]))


def _take(loan_id: str) -> None:
    """Keep a loan; no example is chosen any more."""
    st.session_state[LOAN] = loan_id
    _forget_example()


def _forget_example() -> None:
    if EXAMPLE in st.session_state:
        st.session_state[EXAMPLE] = None


def _forget() -> None:
    """An example takes the place of the loan that was typed."""
    st.session_state[LOAN] = ""


def _pick_part() -> None:
    if chosen := st.session_state.get(PARTS):
        _take(chosen)


def choose(words: LoanWords, row: DeltaGenerator) -> str:
    """Draw the ways to find a loan, first into `row`, and return what was asked for: an id, or a part of one."""
    examples = words.examples()
    subject = words.schema.subject
    ways = [way for way in WAYS if way != "Chart" or len(words.refs) > 1]
    with row:
        typed = st.text_input(
            f"{words.schema.id.label} (id or a part of it)", key=LOAN, bind="query-params", width=220,
            placeholder=next(iter(examples.values()), ""), icon=":material/search:",
            on_change=_forget_example,
        )  # fmt: skip
        way = st.segmented_control(f"Find a {subject}", ways, default=ways[0], required=True, key="explain_find",
                                   bind="query-params")  # fmt: skip
        example = None
        if way == "Examples" and examples:
            example = st.pills("Examples", list(examples), key=EXAMPLE, bind="query-params", wrap=True,
                               on_change=_forget)  # fmt: skip
    if not examples and not typed.strip():
        shell.stop_with(
            f"No {subject} of the snapshot {words.key} matches {shell.plain(shell.describe_filters(words.view))}.",
            "Take a filter away, or press *Clear all filters* in the sidebar.",
        )
    asked = typed.strip() or examples.get(example or "", "") or next(iter(examples.values()), "")
    if way == "List":
        _list(words)
    elif way == "Chart":
        _chart(words, asked)
    return asked


def _list(words: LoanWords) -> None:
    """Draw the filtered loans with the highest or lowest PDs; a chosen row is explained."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = st.segmented_control(
            "Sorted by the PD of", list(words.labels), default=words.default_model(), required=True,
            format_func=lambda ref: shell.plain(words.labels[ref]), key="explain_sort", bind="query-params",
        )  # fmt: skip
        order = st.segmented_control("Order", ["Highest first", "Lowest first"], default="Highest first",
                                     required=True, key="explain_order", bind="query-params")  # fmt: skip
    ascending = order == "Lowest first"
    frame = explain_loan_data.listed(words.selection, words.key, words.refs, by, ascending=ascending)
    total = explain_loan_data.counted(words.selection, words.key, words.refs)
    loans = list(frame["loan"])
    if words.schema.exposure is not None:
        frame = frame.assign(**{words.schema.exposure.name: frame[words.schema.exposure.name].round()})
    st.dataframe(
        frame[["loan", *words.refs, *(name for name in frame.columns if name not in ("loan", *words.refs))]],
        hide_index=True, key="explain_list", height=280, selection_mode="single-row",
        on_select=lambda: pick_row("explain_list", loans), column_config=_columns(words, list(frame.columns)),
    )  # fmt: skip
    kept = f"{len(frame):,} of {total:,}" if total > len(frame) else f"All {total:,}"
    st.caption(shell.plain(f"{kept} {words.schema.subject}s: {shell.describe_filters(words.view)}, {words.when()}. "
                           "The sidebar's filters apply; choose a row to explain it."))  # fmt: skip


def _columns(words: LoanWords, names: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {"loan": st.column_config.TextColumn(words.schema.id.label)}
    for name in names:
        if name in words.labels:
            config[name] = st.column_config.NumberColumn(f"PD, {words.labels[name]}", format="percent")
        elif name != "loan":
            item = words.schema.get(name)
            config[name] = (
                st.column_config.NumberColumn(item.label, format="localized")
                if item.kind == "number" and item.unit != "share"
                else st.column_config.Column(item.label)
            )
    return config


def _chart(words: LoanWords, asked: str) -> None:
    """Draw the champion's PDs against another model's; a clicked point is explained."""
    lead = words.default_model()
    others = [ref for ref in words.refs if ref != lead]
    other = others[0]
    if len(others) > 1:
        other = st.segmented_control(
            "Against", others, default=others[0], required=True, key="explain_against", bind="query-params",
            format_func=lambda ref: shell.plain(words.labels[ref]),
        )  # fmt: skip
    frame = explain_loan_data.cloud(words.selection, words.key, lead, other)
    total = explain_loan_data.counted(words.selection, words.key, words.refs)
    labels, subject = words.labels, words.schema.subject
    above = float((frame["y"] > frame["x"]).mean()) if len(frame) else 0.0
    many = f"{len(frame):,} of {total:,}" if total > len(frame) else f"{total:,}"
    show.figure(
        words.view,
        plot_cloud(
            frame, asked, x_label=labels[lead], y_label=labels[other], colour=words.colours[other],
            title=f"{labels[other]} gives {above:.0%} of the {subject}s a higher PD than {labels[lead]}",
            subtitle=f"PDs of {many} {subject}s, {words.when()}, logarithmic; dotted: equal PDs. "
            f"Click a point to explain that {subject}",
        ),
        frame.rename(columns={"x": f"PD, {labels[lead]}", "y": f"PD, {labels[other]}"}),
        show.Definition(_CLOUD, window=words.key, model=words.models()),
        key="explain_cloud",
        on_point=pick_point,
    )  # fmt: skip


def offer_parts(words: LoanWords, part: str) -> str:
    """Return the one loan whose id holds `part`, "" where none does; where several do, offer them and end the page."""
    loans, total = explain_loan_data.by_part(words.selection, words.key, words.refs, part)
    subject = words.schema.subject
    if total == 1:
        st.caption(shell.plain(f"{loans[0]} is the only {subject} with {part!r} in its id."))
        return loans[0]
    if total > 1:
        st.pills(f"{total:,} {subject}s have {shell.plain(repr(part))} in their id", loans, key=PARTS, wrap=True,
                 on_change=_pick_part)  # fmt: skip
        more = f"The {len(loans)} shortest ids are shown; type more of it. " if total > len(loans) else ""
        others, _ = explain_loan_data.elsewhere(words.selection, part)
        also = f" The portfolio {format_list(others)} has a {subject} of exactly this id." if others else ""
        shell.stop_with(f"No {shell.plain(subject)} has exactly this id: choose one of those above.",
                        shell.plain(f"{more}{also}".strip()))  # fmt: skip
    return ""


_CLOUD = (
    "Each point is a loan of the snapshot within the filters: across the champion's stored PD, up the other model's, "
    "on logarithmic axes. Above the dotted line the other model gives the higher PD. Where there are more than 5,000: "
    "the 40 highest and lowest of each, the 40 widest gaps either way, and else those whose MD5 of the id is smallest, "
    "so the same at every visit."
)

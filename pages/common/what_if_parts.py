"""The parts of the what-if page on one loan: its choice, the editor, the answers of the models."""

from typing import Any

import streamlit as st

from analytics.figures.what_if import plot_attribution_changes, plot_field_curve
from analytics.words import format_share, format_value
from pages.common import show, what_if_change_words, what_if_search_words
from pages.common.shell import plain, stop_with
from pages.common.what_if_change_words import Changed
from pages.common.what_if_words import Control, Loan, LoanWords

SET, WANTED = "what_if_set_", "what_if_wanted"
CHOICES = 4  # more categories than this are a list
ANSWER, CURVE, SMALLEST = "What moved it", "Curve", "Smallest change"


def draw(words: LoanWords) -> None:
    """Draw the choice of a loan, the editor and what every model says."""
    loan = _choose(words)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {plain(loan.recorded())}", width="content")
        st.page_link(
            "pages/models/explain.py", label="Why this PD?", icon=":material/account_tree:",
            query_params={"explain_section": "One loan", "explain_loan": loan.id},
        )  # fmt: skip
    _work(loan)


@st.fragment
def _work(loan: Loan) -> None:
    """Draw the editor and the answers: a moved slider runs no more than this."""
    left, right = st.columns([1, 2.1], gap="medium")
    with left:
        edits = _edit(loan)
    changed = Changed(loan, edits)
    with right:
        if conflicts := changed.conflicts():
            for sentence in conflicts:
                st.error(plain(sentence), icon=":material/block:")
            st.caption("No loan can be so: take one of the changes back, or press *As recorded*.")
            return
        _answer(changed)
        shown = st.segmented_control("Shown", [ANSWER, CURVE, SMALLEST], default=ANSWER, required=True,
                                     key="what_if_shown", bind="query-params",
                                     label_visibility="collapsed")  # fmt: skip
        if shown == SMALLEST:
            _smallest(loan)
        elif shown == CURVE:
            _curve(changed)
        else:
            _moved(changed)


def _forget() -> None:
    """Ask that all edits be taken back: they were of another loan."""
    st.session_state[WANTED] = {}


def _apply(changes: dict[str, Any]) -> None:
    """Ask that these be the edits, and no others."""
    st.session_state[WANTED] = changes


def _choose(words: LoanWords) -> Loan:
    examples = words.examples()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        example = st.pills("Examples", list(examples), key="what_if_example", bind="query-params", wrap=True,
                           default=next(iter(examples)), on_change=_forget)  # fmt: skip
        typed = st.text_input(
            f"{words.schema.id.label} (exact id)", key="what_if_loan", bind="query-params", width=260,
            placeholder=examples.get(example or "", ""), on_change=_forget,
        )  # fmt: skip
    loan_id = typed.strip() or examples.get(example or "") or next(iter(examples.values()))
    loan = words.loan(loan_id)
    if loan is None:
        stop_with(
            plain(
                f"There is no {words.schema.subject} {loan_id!r} in the snapshot {words.key} of "
                f"{words.selection.portfolio!r} for the chosen filters."
            ),
            "Check the id and the portfolio, clear the field to see an example, or press *Clear all filters*.",
        )
    return loan


def _edit(loan: Loan) -> dict[str, Any]:
    """Draw a control a chosen field; return what differs from the recorded loan."""
    words = loan.words
    offered = {item.name: item.label for item in words.offered()}
    with st.container(border=True):
        chosen = st.multiselect(
            "Fields to change", list(offered), default=words.first_offered(), format_func=offered.__getitem__,
            key="what_if_fields", bind="query-params", placeholder="Choose fields",
        )  # fmt: skip
        named = [key.removeprefix(SET) for key in st.query_params if key.startswith(SET)]
        edits, wanted = {}, st.session_state.pop(WANTED, None)
        for name in dict.fromkeys([*chosen, *(name for name in (*named, *(wanted or ())) if name in offered)]):
            control = loan.control(name)
            value = None if control is None else _control(control, wanted)
            if control is None:
                st.caption(plain(f"{offered[name]}: no loan of the snapshot has a value, so none can be set."))
            elif value is not None and value != control.value:
                edits[name] = value
        st.button("As recorded", icon=":material/undo:", on_click=_forget, disabled=not edits)
    return edits


def _control(control: Control, wanted: dict[str, Any] | None) -> Any:
    """Draw a field's control and return its value; `wanted` are the edits asked for by a button, if any were."""
    key, raw = SET + control.name, st.query_params.get(SET + control.name)
    if wanted is not None:  # an address bound to a widget changes with the widget's value only
        st.session_state[key] = wanted.get(control.name, control.value)
    elif raw is not None and (wrong := _refuse(control, raw)):
        st.warning(plain(wrong), icon=":material/warning:")
    shared: dict[str, Any] = {"key": key, "bind": "query-params", "help": control.help or None}
    if control.options:
        if len(control.options) <= CHOICES:
            return st.segmented_control(control.label, control.options, default=control.value, **shared)
        index = control.options.index(control.value) if control.value in control.options else None
        return st.selectbox(control.label, control.options, index=index, **shared)
    if control.value is None:
        return st.number_input(control.label, control.low, control.high, value=None, placeholder="not known",
                               step=control.step, **shared)  # fmt: skip
    return st.slider(control.label, control.low, control.high, control.value, control.step, format=control.format,
                     **shared)  # fmt: skip


def _refuse(control: Control, raw: str) -> str:
    """Return why a value from the address cannot be taken, or ""."""
    if control.options:
        return "" if raw in control.options else f"{control.label} cannot be {raw!r}: the recorded value stands."
    try:
        value = float(raw)
    except ValueError:
        return f"{control.label} is a number, got {raw!r}: the recorded value stands."
    if control.low <= value <= control.high:
        return ""
    unit = "share" if control.format == "percent" else ""
    low, high = format_value(control.low, unit), format_value(control.high, unit)
    return (
        f"{control.label} of {format_value(value, unit)} is outside its range here, {low} to {high}: the recorded "
        "value stands."
    )


def _answer(changed: Changed) -> None:
    """Draw the PDs before and after, what followed and the warnings."""
    show.cards(changed.cards())
    st.markdown(plain(changed.finding()))
    if followed := changed.followed():
        st.caption(plain(followed))
    for sentence in changed.warnings():
        st.warning(plain(sentence), icon=":material/warning:")


def _moved(changed: Changed) -> None:
    """Draw the changed attributions; before anything is changed, the curve of the first field."""
    words = changed.words
    if not changed.edits:
        _draw_curve(changed, words.first_offered()[0])
        return
    frame = changed.attributions()
    if note := changed.unexplained():
        st.caption(plain(note))
    if frame.empty:
        return
    show.figure(
        words.view,
        plot_attribution_changes(
            frame, colours=words.colours, labels=words.labels, title=changed.attribution_title(frame),
            subtitle=f"Change of each attribution against the recorded {words.schema.subject}, model by model",
        ),
        frame,
        show.Definition(what_if_change_words.CHANGE_MEANING, what_if_change_words.SUM, words.key, words.versions()),
        key="what_if_change",
        characters=72,
    )  # fmt: skip


def _curve(changed: Changed) -> None:
    words = changed.words
    offered = {item.name: item.label for item in words.offered()}
    first = next(iter(changed.edits), words.first_offered()[0])
    names = [first, *(name for name in offered if name != first)]
    name = st.selectbox("Field moved over its range", list(offered), index=list(offered).index(names[0]),
                        format_func=offered.__getitem__, key="what_if_curve", bind="query-params")  # fmt: skip
    _draw_curve(changed, name)


def _draw_curve(changed: Changed, name: str) -> None:
    words, curve = changed.words, changed.curve(name)
    if curve is None:
        st.info(plain(f"{words.feature_labels[name]}: no loan of the snapshot has a value."), icon=":material/info:")
        return
    show.figure(
        words.view,
        plot_field_curve(
            curve.frame, colours=words.colours, labels=words.labels, label=curve.label, unit=curve.unit,
            marks=curve.marks, inside=curve.inside, title=curve.title, subtitle=curve.subtitle,
        ),
        curve.frame.rename(columns=words.labels),
        show.Definition(what_if_change_words.CURVE_MEANING, "", words.key, words.versions()),
        key="what_if_curve_figure",
        characters=72,
    )  # fmt: skip


def _smallest(loan: Loan) -> None:
    words = loan.words
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ref = st.segmented_control("Model asked", list(words.refs), default=words.lead, required=True,
                                   format_func=lambda item: plain(words.labels[item]), key="what_if_asked",
                                   bind="query-params")  # fmt: skip
        half = float(f"{50 * loan.before[ref]:.2g}")
        percent = st.number_input("Bring the PD below, %", 0.001, 100.0, value=min(max(half, 0.001), 100.0), step=0.1,
                                  format="%0.3f", key="what_if_below", bind="query-params", width=180)  # fmt: skip
    threshold = percent / 100
    found = what_if_search_words.search(loan, ref, threshold)
    with st.container(border=True):
        st.markdown(f"**{words.view.word('What would be enough?', 'Smallest actionable change')}**")
        for sentence in what_if_search_words.describe_search(loan, ref, threshold, found):
            st.markdown(f"- {plain(sentence)}")
        if found.found and found.changes:
            st.button("Apply this change", icon=":material/input:", on_click=_apply, args=(found.changes,),
                      key="what_if_apply")  # fmt: skip
        st.caption(
            plain(
                f"From the recorded {words.schema.subject}, to a PD below {format_share(threshold)}. May change: "
                f"{what_if_search_words.describe_actionable(loan)} (as the schema says, else by meaning). Size: "
                "change over the spread of the book (10 to 90 %), a category counts 1. What the model would say is no "
                "promise of what would happen."
            )
        )

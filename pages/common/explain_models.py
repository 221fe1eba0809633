"""Explain, section Model against model: what makes the challenger's PD differ from the champion's, and where."""

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from analytics.disagreement import LOAN as ID
from analytics.figures.disagreement import plot_difference
from analytics.figures.forest import plot_forest
from pages.common import explain_models_data, exports, shell, show
from pages.common.explain_models_agreement_words import AGREEMENT, BY, MEASURES, MOST, AgreementWords
from pages.common.explain_models_words import ALL, FORMULA, LOAN, MEANING, SWAP, Asked, ModelsWords
from pages.common.shell import View, plain

SECTION = "Model against model"


def draw(view: View) -> None:
    """Draw the choice of a pair and of loans, the difference, the agreement and the loans that differ most."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        words = _choose_pair(view)
        if problem := words.alone():
            shell.stop_with(*problem)
        asked = _ask(words)
    if problem := words.ask_again(asked):
        st.info(plain(problem[0]), icon=":material/info:")
        st.caption(problem[1])
    else:
        _difference(words, asked)
    told = AgreementWords(words)
    _agreement(told)
    _loans(told)


def _choose_pair(view: View) -> ModelsWords:
    words = ModelsWords(view)
    if len(words.others) < 2:
        return words
    chosen = st.segmented_control(
        "Challenger", list(words.others), default=next(iter(words.others)), required=True, key="explain_challenger",
        bind="query-params", format_func=lambda ref: plain(words.others[ref]),
        help=f"Set against {plain(words.names[0])}.",
    )  # fmt: skip
    return ModelsWords(view, chosen)


def _ask(words: ModelsWords) -> Asked:
    of = st.segmented_control(
        "Difference of", [ALL, SWAP, LOAN], default=ALL, required=True, key="explain_models_of", bind="query-params"
    )
    if of == LOAN:
        first = str(explain_models_data.most_different(*words.choice, "odds")[ID].iloc[0])
        typed = st.text_input(
            f"{words.schema.id.label} (exact id)", key="explain_loan", bind="query-params", width=260,
            placeholder=first, help="Left empty: the one on which the models differ most.",
        )  # fmt: skip
        return Asked(of, loan=typed.strip() or first)
    if of == SWAP:
        approved = st.slider(
            "Share approved by each model, %", 50, 99, 90, key="explain_models_approved", bind="query-params", width=280
        )
        move = st.segmented_control(
            "Which", list(explain_models_data.MOVES), default="Both", required=True, key="explain_models_move",
            bind="query-params",
        )  # fmt: skip
        return Asked(of, approved=approved / 100, move=move)
    return Asked(of)


def _difference(words: ModelsWords, asked: Asked) -> None:
    told = words.tell(asked)
    show.figure(
        words.view,
        plot_difference(told.steps, names=words.names, colours=words.colours_pair, title=told.title,
                        subtitle=told.subtitle),
        told.table,
        show.Definition(MEANING, FORMULA, window=words.key, model=words.models()),
        key="explain_models_difference",
    )  # fmt: skip
    for sentence in told.sentences:
        st.markdown(f"- {plain(sentence)}")


def _agreement(told: AgreementWords) -> None:
    st.subheader(plain(told.heading()), anchor=False)
    show.cards(told.cards())
    if silent := told.silent():
        st.caption(plain(silent))
    if not told.fields:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        measure = st.segmented_control(
            "Agreement by", list(MEASURES), default=next(iter(MEASURES)), required=True, key="explain_models_measure",
            bind="query-params",
        )  # fmt: skip
        field = st.pills(
            "Segments of", list(told.fields), format_func=lambda name: plain(told.field_label(name)),
            default=told.fields[0], required=True, key="explain_models_by", bind="query-params", wrap=True,
        )  # fmt: skip
    found, words = told.segments(MEASURES[measure], field), told.words
    show.figure(
        words.view,
        plot_forest(
            found.rows, colours={words.names[1]: words.colours_pair[1]}, title=found.title, subtitle=found.subtitle,
            axis=found.axis, beside=f"{told.schema.subject}s · opposite", reference=found.reference, unit=found.unit,
            digits=None if found.unit else 2,
        ),
        found.rows,
        show.Definition(AGREEMENT, window=words.key, model=words.models()),
        key="explain_models_segments",
    )  # fmt: skip


def _loans(told: AgreementWords) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            by = st.segmented_control(
                "Differ most by", list(BY), default="Odds", required=True, key="explain_models_rank",
                bind="query-params",
            )  # fmt: skip
            st.markdown(f"**{plain(told.loans_heading(BY[by]))}**", width="stretch")
            exports.menu(
                lambda: told.loans(BY[by], {}), "hypothec_disagreement",
                {"What": told.loans_heading(BY[by]), "Models": told.words.models(), "Note": MOST},
                key="explain_models_loans",
            )  # fmt: skip
        table = told.loans(BY[by], _links(told.words))
        for sentence in (told.main_features(BY[by]), *told.common(BY[by])):
            if sentence:
                st.markdown(f"- {plain(sentence)}")
        st.dataframe(table, hide_index=True, key="explain_models_loans", column_config=_columns(table), height=360)
        st.caption(MOST)


def address(challenger: str, of: str, **more: str) -> dict[str, str]:
    """Return the query parameters that open this section; `challenger` is a model's label, as the choice shows it."""
    return {"explain_section": SECTION, "explain_challenger": plain(challenger), "explain_models_of": of, **more}


def _links(words: ModelsWords) -> dict[str, str]:
    """Return the addresses that a loan's id completes, by heading."""
    here = urlencode({"portfolio": words.selection.portfolio, "reading": words.view.reading})
    section = urlencode(address(words.pair.challenger.label, LOAN))
    return {
        "Explain": f"explain?{here}&explain_section=One+loan&explain_loan=",
        "Difference": f"explain?{here}&{section}&explain_loan=",
        "What if": f"what_if?{here}&what_if_loan=",
    }


def _columns(table: Any) -> dict[str, Any]:
    numbers = {str(name): st.column_config.NumberColumn(format="%.2f") for name in table if str(name).startswith("PD ")}
    return {
        **numbers,
        "Difference, pp": st.column_config.NumberColumn(format="%+.2f"),
        "Odds, times": st.column_config.NumberColumn(
            format="%.2f", help="Odds of the challenger divided by those of the champion."
        ),
        "Explain": st.column_config.LinkColumn(display_text="Explain", help="Opens what explains its PD."),
        "Difference": st.column_config.LinkColumn(
            display_text="Difference", help="Opens its difference of the models."
        ),
        "What if": st.column_config.LinkColumn(display_text="What if", help="Opens it in What if."),
    }

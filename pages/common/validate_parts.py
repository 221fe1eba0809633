"""The validate page's parts: what is validated, the opinion, one section's figures, the exports."""

import functools

import streamlit as st

from pages.common import overview_data, show, validate_data, validate_exhibits, validate_losses
from pages.common.model_data import ModelView
from pages.common.shell import View, plain
from pages.common.validate_excel import to_workbook
from pages.common.validate_exhibits import Exhibit
from pages.common.validate_html import to_html
from pages.common.validate_words import SECTIONS, Words
from portfolio.workspace import UNDATED

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def choose(view: View, models: tuple[ModelView, ...]) -> Words:
    """Draw what is validated, model and date, and return the words for it."""
    labels = {item.ref: plain(item.label) for item in models}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ref = st.pills(
            "Model",
            list(labels),
            default=models[0].ref,
            required=True,
            format_func=lambda item: labels[item],
            key="validate_model",
            bind="query-params",
            wrap=True,
        )
        model = next((item for item in models if item.ref == ref), models[0])
        every = validate_data.keys(view.selection, model.ref)[::-1]
        key = every[0]
        if key != UNDATED:
            key = st.selectbox(
                "Validated date",
                every,
                key="validate_date",
                bind="query-params",
                width=220,
                help="Loans on this date and what became of them within the year. Latest first.",
            )
        export(Words(view, model, key))
    return Words(view, model, key)


def verdict(words: Words) -> None:
    """Show the proposed opinion, its reasons, every test with its light, and what was not run."""
    with st.spinner("Running the tests: a few seconds the first time", show_time=True):
        badge, sentence = words.verdict()
    st.markdown(f"#### {badge} {plain(sentence)}")
    st.markdown("\n".join(f"- {plain(reason)}" for reason in words.reasons()))
    for line in words.warnings():
        st.warning(plain(line), icon=":material/warning:")
    if missing := words.not_run():
        with st.expander(f"{len(missing)} tests not run, and why", icon=":material/block:"):
            st.markdown("\n".join(f"- {plain(reason)}" for reason in missing))
    with st.expander("Every test with its light", icon=":material/traffic:"):
        st.dataframe(words.findings_table(), hide_index=True, key="validate_findings", height="content")
        st.caption(plain(words.scale_sentence()))
    with st.popover("What is a rating here?", icon=":material/function:", type="tertiary"):
        st.markdown("\n".join(f"- {plain(line)}" for line in [*words.basis(), words.ratings()]))


def section(words: Words) -> None:
    """Show the figures of the chosen section; only that one is computed."""
    name = st.segmented_control(
        "Section",
        SECTIONS,
        default=SECTIONS[0],
        required=True,
        key="validate_section",
        bind="query-params",
        label_visibility="collapsed",
    )
    try:
        found = _losses(words) if name == "LGD" else validate_exhibits.SHOWN[name](words)
    except ValueError as error:
        st.info(f"Not run: {plain(str(error))}.", icon=":material/block:")
        return
    for exhibit in found:
        _show(words, exhibit)


def _losses(words: Words) -> list[Exhibit]:
    names = (overview_data.LTV_BAND, *validate_losses.segments(words.selection))
    by = st.pills(
        "Segment",
        names,
        default=names[0],
        required=True,
        format_func=lambda name: plain(overview_data.label(words.schema, name)),
        key="validate_lgd_by",
        bind="query-params",
        wrap=True,
    )
    return validate_exhibits.losses(words, by if by in names else names[0])


def _show(words: Words, exhibit: Exhibit) -> None:
    show.figure(words.view, exhibit.chart, exhibit.table, exhibit.definition, key=f"validate_{exhibit.name}")
    if exhibit.notes:
        st.caption("  \n".join(plain(note) for note in exhibit.notes))


def export(words: Words) -> None:
    """Draw the downloads; files are made when they are asked for."""
    name = f"hypothec_validation_{words.selection.portfolio}_{words.model.ref.replace('/', '_')}_{words.key}"
    with st.popover("Export", icon=":material/download:", type="tertiary", key="validate_export"):
        for label, make, ending, mime, icon in (
            ("HTML, one file, opens offline", to_html, "html", "text/html", "description"),
            ("Excel with inputs and formulas", to_workbook, "xlsx", EXCEL, "grid_on"),
        ):
            st.download_button(
                label,
                functools.partial(make, words),
                file_name=f"{name}.{ending}",
                mime=mime,
                icon=f":material/{icon}:",
                key=f"validate_{ending}",
                on_click="ignore",
                type="tertiary",
            )

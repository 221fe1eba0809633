"""The overview's sections: alerts, what changed, concentration and expected loss, each drawn from its words."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.alerts import Limits
from analytics.figures.concentration import plot_loss, plot_shares
from analytics.figures.rate_change import plot_rate_change
from pages.common import alert_words, change_words, concentration_words, loss_words, shell, show

HOUSE = Limits()


Concentration = concentration_words.ConcentrationWords


def prepare(view: shell.View) -> alert_words.AlertWords:
    """Fill the caches behind this page's first sections; return the alerts, those of the data still to be asked for."""
    words = alert_words.AlertWords(view, HOUSE, Concentration(view))
    change_words.ChangeWords(view)
    return words


@dataclass(frozen=True)
class Top:
    """The page's top: the limits that the reader has set, the alerts, and the place for those that come last."""

    limits: Limits
    words: alert_words.AlertWords
    place: DeltaGenerator


def alerts(view: shell.View, finding: str, concentrated: Concentration) -> Top:
    """Draw the finding and the alerts, and leave a place for those of the data, which `data_alerts` fills."""
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.markdown(f"#### {shell.plain(finding)}", width="stretch")
        limits = _limits()
    words = alert_words.AlertWords(view, limits, concentrated)
    with st.container(border=True, gap="xsmall"):
        for alert in words.alerts():
            _alert(*alert_words.SIGNS[alert.level], alert.sentence, alert.page, alert.more)
        place = st.container(gap="xsmall")
    return Top(limits, words, place)


def data_alerts(top: Top) -> None:
    """Draw the alerts of the data and what was checked; called last, so that the rest of the page need not wait."""
    found = top.words.data_alerts()
    with top.place:
        for alert in found:
            _alert(*alert_words.SIGNS[alert.level], alert.sentence, alert.page, alert.more)
        if not found and not top.words.alerts():
            name, icon, colour = alert_words.SIGNS[""]
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(name, icon=icon, color=colour)
                st.markdown("Nothing to report.")
        st.caption(shell.plain(top.words.describe_rest()))


def _alert(name: str, icon: str, colour: alert_words.Colour, sentence: str, page: str, more: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(name, icon=icon, color=colour)
        st.markdown(shell.plain(sentence), width="content")
        if page != alert_words.OVERVIEW:
            st.page_link(page, label=more, icon=":material/arrow_forward:", icon_position="right")


def _limits() -> Limits:
    """Draw the limits that alerts are measured against and return those set."""
    shown = {
        "largest_region": "Largest region, % of exposure",
        "above_100": "Above 100 % loan-to-value, % of exposure",
        "top_20": "20 largest, % of exposure",
    }
    with st.popover("Limits", icon=":material/tune:", type="tertiary"):
        st.caption("House defaults, not rules: no supervisor sets one figure for every book. They stay in the link.")
        chosen = {
            name: st.number_input(
                label,
                min_value=0.0,
                max_value=100.0,
                value=100 * getattr(HOUSE, name),
                step=1.0,
                key=f"overview_limit_{name}",
                bind="query-params",
            )
            / 100
            for name, label in shown.items()
        }
    return replace(HOUSE, **chosen)


def changes(view: shell.View) -> None:
    """Draw what changed: the ranked sentences, and the waterfall of one measure by one field."""
    words = change_words.ChangeWords(view)
    st.subheader("What changed", anchor=False)
    if problem := words.why_not():
        st.info(problem, icon=":material/info:")
        return
    news = words.news()
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        for place, item in enumerate(news, 1):
            mark = "" if item.clear else "  \n:gray-badge[no clear change]"
            st.markdown(f"{place}. {shell.plain(item.sentence)}{mark}")
        measure = st.pills(
            "Shown",
            [item.measure for item in news],
            format_func=words.labels().__getitem__,
            required=True,
            default=news[0].measure,
            key="overview_change",
            bind="query-params",
            wrap=True,
        )
    with right:
        fields = words.fields(measure)
        field = words.first_field(measure)
        if len(fields) > 1:
            field = st.pills(
                "Split by",
                fields,
                format_func=words.field_labels().__getitem__,
                required=True,
                default=field,
                key=f"overview_change_by_{measure}",
                bind="query-params",
                label_visibility="collapsed",
                wrap=True,
            )
        steps = words.steps(measure, field)
        show.figure(
            view,
            plot_rate_change(steps.frame, title=steps.title, subtitle=steps.subtitle),
            steps.frame,
            show.Definition(steps.definition, formula=change_words.FORMULA, window=steps.window),
            key="overview_change_figure",
            share=2,
        )


def closer(view: shell.View, limits: Limits, concentrated: Concentration) -> None:
    """Draw what is behind the figures of the top: concentration or expected loss, whichever is chosen."""
    chosen = st.segmented_control(
        "Look closer",
        ["Concentration", "Expected loss"],
        default="Concentration",
        required=True,
        key="overview_closer",
        bind="query-params",
        label_visibility="collapsed",
    )
    if chosen == "Concentration":
        concentration(view, limits, concentrated)
    else:
        losses(view)


def concentration(view: shell.View, limits: Limits, words: Concentration) -> None:
    """Draw the shares of the book by one dimension, and the largest exposures."""
    dimensions = words.dimensions()
    left, right = st.columns(2, gap="medium")
    with left:
        if dimensions:
            chosen = st.pills(
                "Concentration by",
                list(dimensions),
                format_func=dimensions.__getitem__,
                required=True,
                default=next(iter(dimensions)),
                key="overview_concentration",
                bind="query-params",
                label_visibility="collapsed",
                wrap=True,
            )
            shares = words.shares(chosen, limits.largest_region)
            show.figure(
                view,
                plot_shares(shares.frame, unit=shares.unit, title=shares.title, subtitle=shares.subtitle,
                            limit=limits.largest_region if words.is_region(chosen) else None),
                shares.frame,
                show.Definition(shares.definition, window=shares.window),
                key="overview_concentration_figure",
                share=2,
            )  # fmt: skip
        else:
            st.info("No groups: the schema names no segment with more than one value here.", icon=":material/info:")
    with right, st.container(border=True, height="stretch"):
        st.markdown(f"**{shell.plain(words.describe_tops())}**")
        table = words.largest(_explain_link(view))
        if len(table):
            st.dataframe(table, hide_index=True, key="overview_largest", column_config=_columns(view), height="stretch")


def _explain_link(view: shell.View) -> str:
    return f"explain?{urlencode({'portfolio': view.selection.portfolio, 'reading': view.reading})}&explain_loan="


def _columns(view: shell.View) -> dict[str, Any]:
    numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in ("Share, %", "PD, %")}
    return {
        **numbers,
        "Explain": st.column_config.LinkColumn(
            view.schema.subject.capitalize(), display_text=r"explain_loan=(.*)$", help="Opens what explains its PD."
        ),
        "Exposure": st.column_config.NumberColumn(f"Exposure, {view.schema.currency}", format="localized"),
        "LTV, %": st.column_config.NumberColumn(format="%.0f"),
    }


def losses(view: shell.View) -> None:
    """Draw expected loss: the amounts in words, and by one field as basis points of exposure."""
    words = loss_words.LossWords(view)
    if problem := words.problem():
        st.info(problem, icon=":material/info:")
        return
    st.markdown(f"**{words.heading()}**")
    left, right = st.columns(2, gap="medium")
    fields = words.fields()
    with left, st.container(border=True, height="stretch"):
        for sentence in words.sentences():
            st.markdown(f"- {shell.plain(sentence)}")
        if (table := words.lgd_table()) is not None:
            st.dataframe(table, hide_index=True, key="overview_lgd")
    with right:
        if fields:
            chosen = st.pills(
                "Loss by",
                fields,
                format_func=words.label,
                required=True,
                default=fields[0],
                key="overview_loss_by",
                bind="query-params",
                label_visibility="collapsed",
                wrap=True,
            )
            found = words.by(chosen)
            show.figure(
                view,
                plot_loss(found.frame, title=found.title, subtitle=found.subtitle, whole=words.rate()),
                found.frame,
                show.Definition(found.definition, window=found.window, model=words.model_name()),
                key="overview_loss_figure",
                share=2,
            )

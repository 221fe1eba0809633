"""Explain, section One feature: how models use it."""

from typing import Any

import streamlit as st

from analytics.figures.effects import plot_effects, plot_ice
from analytics.figures.explanations import plot_dependence
from analytics.figures.interactions import plot_coloured_dependence
from pages.common import show
from pages.common.explain_effects_words import Effect, EffectWords
from pages.common.explain_feature_words import FORMULA, FeatureWords
from pages.common.shell import View, plain

ATTRIBUTION, ALE, PDP = "Attribution", "ALE", "PDP and ICE"


def draw(view: View) -> None:
    """Draw the choice of model, feature and question, and the one answer that is open."""
    words = FeatureWords(view)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ref = st.segmented_control(
            "Model",
            list(words.labels),
            default=words.default_model(),
            required=True,
            format_func=lambda item: plain(words.labels[item]),
            key="explain_model",
            bind="query-params",
        )
        if not (offered := words.features(ref)):
            st.info(plain(words.without_value(ref)), icon=":material/info:")
            return
        feature = st.selectbox(
            "Feature",
            offered,
            format_func=words.feature_labels.__getitem__,
            key="explain_feature",
            bind="query-params",
            width=220,
        )
        asked = st.segmented_control(
            "Shown",
            [ATTRIBUTION, ALE, PDP],
            default=ATTRIBUTION,
            required=True,
            key="explain_effect",
            bind="query-params",
            help="Attribution: what the value adds to each loan's log-odds. ALE: accumulated local effects. PDP: "
            "partial dependence. ICE: single loans' curves.",
        )
    if words.histories(ref):
        st.caption(plain(words.without_value(ref)))
    if asked == ATTRIBUTION:
        _draw_attribution(words, ref, feature)
    else:
        _draw_effects(EffectWords(view), ref, feature, asked)


def _draw_attribution(words: FeatureWords, ref: str, feature: str) -> None:
    with st.spinner(words.doing(ref)):
        shape = words.dependence(ref, feature)
    said: dict[str, Any] = {"label": words.feature_labels[feature], "unit": shape.unit, "title": shape.title,
            "subtitle": shape.subtitle, "colour": words.colours[ref]}  # fmt: skip
    if shape.partner is None:
        chart = plot_dependence(shape.dependence, **said)
    else:
        other = shape.partner.partner
        chart = plot_coloured_dependence(
            shape.dependence, partner=words.feature_labels[other], partner_unit=words.units[other], **said
        )
    show.figure(
        words.view,
        chart,
        shape.dependence.medians,
        show.Definition(shape.definition, FORMULA, words.key, ref),
        key="explain_dependence",
    )


def _draw_effects(words: EffectWords, ref: str, feature: str, asked: str) -> None:
    curves = asked == PDP and words.is_number(feature)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        scale = _choose_scale(words)
        centred = curves and st.toggle("Loans' curves from 0", value=True, key="explain_centred", bind="query-params")
    with st.spinner(words.doing(asked)):
        if problem := words.problem_of(feature):
            st.info(plain(problem), icon=":material/info:")
            return
        by_value = asked == PDP or not words.is_number(feature)
        effect = words.pdp(ref, feature, scale) if by_value else words.ale(feature, scale)
    if asked == ALE and by_value:
        st.caption(
            "Accumulated local effects need values in an order, and categories have none: this is partial dependence."
        )
    if by_value:
        st.caption(plain(words.warning(feature)))
    if not curves:
        _show_effect(words, effect, feature, scale, centred=not by_value, share=1)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _show_effect(words, effect, feature, scale, centred=False, share=2)
    with right:
        _show_ice(words, ref, feature, scale, centred=centred)


def _choose_scale(words: EffectWords) -> str:
    scale: str = st.segmented_control(
        "Scale",
        ["log-odds", "PD"],
        default=words.view.word("PD", "log-odds"),
        required=True,
        format_func=lambda item: "PD" if item == "PD" else "Log-odds",
        key="explain_scale",
        bind="query-params",
        label_visibility="collapsed",
    )
    return scale


def _show_effect(words: EffectWords, effect: Effect, feature: str, scale: str, *, centred: bool, share: int) -> None:
    show.figure(
        words.view,
        plot_effects(
            effect.frame,
            colours=words.colours,
            labels=words.labels,
            label=words.feature_labels[feature],
            unit=words.units[feature],
            scale=scale,
            centred=centred,
            title=effect.title,
            subtitle=effect.subtitle,
        ),
        effect.frame.assign(model=effect.frame["model"].map(words.labels)),
        effect.definition,
        key="explain_effects",
        share=share,
    )


def _show_ice(words: EffectWords, ref: str, feature: str, scale: str, *, centred: bool) -> None:
    ice = words.ice(ref, feature, scale, centred=centred)
    show.figure(
        words.view,
        plot_ice(
            ice.curves,
            ice.grid,
            colour=words.colours[ref],
            label=words.feature_labels[feature],
            unit=words.units[feature],
            scale=scale,
            centred=centred,
            title=ice.title,
            subtitle=ice.subtitle,
        ),
        ice.table,
        ice.definition,
        key="explain_ice",
        share=2,
    )

"""Explain: what drives the PDs, and why did this loan get its own?"""

import streamlit as st

from analytics.figures.explanations import plot_dependence, plot_importance, plot_waterfall
from pages.common import explain_words, shell, show

view = shell.open_page("Explain", "What drives the PDs, and why did a loan get its own?")
words = explain_words.Words(view)
if problem := words.problem():
    shell.stop_with(*problem)
if words.left_out():
    st.caption(shell.plain(words.left_out()))
key = words.key

st.subheader(view.word("What matters most across the book", "Global importance and dependence"), anchor=False)
left, right = st.columns(2, gap="medium")
with left:
    importance = words.importance()
    show.figure(
        view,
        plot_importance(
            importance.frame,
            importance.features,
            colours=words.colours,
            labels=words.feature_labels,
            model_labels=words.labels,
            title=importance.title,
            subtitle=importance.subtitle,
        ),
        importance.frame,
        show.Definition(importance.definition, window=key, model=words.models()),
        key="explain_importance",
        share=2,
    )
with right:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ref = st.segmented_control(
            "Model",
            list(words.labels),
            default=words.default_model(),
            required=True,
            format_func=words.labels.__getitem__,
            key="explain_model",
            bind="query-params",
        )
        feature = st.selectbox(
            "Feature",
            words.features(ref),
            format_func=words.feature_labels.__getitem__,
            key="explain_feature",
            bind="query-params",
            width=260,
        )
    shape = words.dependence(ref, feature)
    show.figure(
        view,
        plot_dependence(
            shape.dependence,
            label=words.feature_labels[feature],
            unit=shape.unit,
            title=shape.title,
            subtitle=shape.subtitle,
            colour=words.colours[ref],
        ),
        shape.dependence.medians,
        show.Definition(shape.definition, window=key, model=ref),
        key="explain_dependence",
        share=2,
    )

st.subheader(
    view.word(f"Why did this {view.schema.subject} get its PD?", f"One {view.schema.subject}, model by model"),
    anchor=False,
)
with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
    example = st.pills(
        "Examples",
        list(words.examples()),
        key="explain_example",
        bind="query-params",
        wrap=True,
        default=next(iter(words.examples())),
    )
    typed = st.text_input(
        f"{view.schema.id.label} (exact id)",
        key="explain_loan",
        bind="query-params",
        width=260,
        placeholder=words.examples().get(example or "", ""),
    )
loan_id = typed.strip() or words.examples().get(example or "", "")
if not words.has_loan(loan_id):
    shell.stop_with(
        f"There is no {view.schema.subject} {loan_id!r} in the snapshot {key} for the chosen filters.",
        "Check the id, clear the field to see an example, or press *Clear all filters*.",
    )
loan = words.loan(loan_id)
st.markdown(f"#### {shell.plain(loan.headline)}")
for column, model in zip(st.columns(len(loan.models), gap="medium"), loan.models, strict=True):
    with column:
        show.figure(
            view,
            plot_waterfall(model.steps, title=model.title, subtitle=model.subtitle, colour=model.colour),
            model.steps,
            show.Definition(words.waterfall_definition(), window=key, model=model.ref),
            key=f"explain_waterfall_{model.ref.replace('/', '_')}",
            share=min(3, len(loan.models)),
        )
        for sentence in model.reasons:
            st.markdown(f"- {shell.plain(sentence)}")
st.dataframe(loan.facts, hide_index=True, key="explain_facts", height=320)

"""Explore: any measure by any field, filtered, down to the loans behind it."""

import streamlit as st

from analytics.figures.explore import plot_answer
from pages.common import drill, explore_answer, explore_controls, exports, shell, show
from pages.common.explore_fields import Fields

view = shell.open_page("Explore", "Any measure by any field, down to the loans behind it.")
fields = Fields(view)
strip, main = st.columns([1, 3.6], gap="medium")
with strip:
    asked = explore_controls.ask(fields)
    explore_controls.saved_views(fields)
with main:
    found = explore_answer.find(fields, asked)
    if found.problem:
        shell.stop_with(found.problem, "Take a filter away, or press *Clear all filters* in the sidebar.")
    if found.note:
        st.caption(found.note)
    if found.asked.chart == "pivot":
        st.markdown(f"#### {shell.plain(found.look.title)}")
        st.caption(shell.plain(found.look.subtitle))
    show.figure(
        view,
        plot_answer(found.frame, found.look),
        found.table,
        show.Definition(found.definition, window=found.window, model=found.model),
        key=f"explore_{found.asked.chart.replace(' ', '_')}",
        characters=78,
        first="Table" if found.asked.chart == "pivot" else "Chart",
        export=lambda: exports.menu(
            found.export, "hypothec_explore", found.about, key="explore", notebook=found.notebook
        ),
        on_point=None if found.asked.chart == "points" else drill.choose,
    )
    if found.asked.chart != "points":
        drill.draw(fields, found)

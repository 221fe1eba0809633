"""SQL: what do the portfolio's tables say to a question that no page asks?"""

import pandas as pd
import streamlit as st

from analytics.figures.book import plot_bars_by_category, plot_trend
from pages.common import exports, shell, show, sql_data, sql_words
from portfolio.sandbox import ROWS, SECONDS

view = shell.open_page("SQL", "What do the portfolio's tables say to a question that no other page asks?")
tables = sql_data.tables(view.selection)
session = st.session_state


def insert_name() -> None:
    """Write the name found in the search box into the statement, and empty the box for the next."""
    if chosen := session["sql_find"]:
        sql_data.insert(session, sql_words.names(tables)[chosen])
        session["sql_find"] = None


def show_rows(frame: pd.DataFrame, sql: str) -> None:
    """Show a result as a table, with a chart behind it where it has a date or category and numbers."""
    about = sql_words.about(view, sql)
    chart = sql_data.chartable(frame)
    if chart is None:
        st.dataframe(frame, hide_index=True, key="sql_result")
        exports.menu(frame, "hypothec_sql", about, key="sql_result")
        return
    value = chart.values[-1]
    if session.get("sql_figure_as") == "Chart":
        value = st.pills(
            "Drawn",
            chart.values,
            default=value,
            required=True,
            key="sql_value",
            label_visibility="collapsed",
            wrap=True,
        )
    title, source = sql_words.chart_title(chart, value), sql_words.chart_source(chart, value)
    figure = (
        plot_trend(chart.frame, {value: value}, unit="", title=title, subtitle=source, x=chart.along)
        if chart.is_time
        else plot_bars_by_category(
            chart.frame, category=chart.along, value=value, unit="", title=title, subtitle=source, n=None
        )
    )
    show.figure(
        view,
        figure,
        frame,
        show.Definition("The rows are the statement's own answer; nothing was added.", sql),
        key="sql_figure",
        first="Table",
        export=lambda: exports.menu(frame, "hypothec_sql", about, key="sql_figure"),
    )


editor, side = st.columns([2.4, 1], gap="medium")
with editor:
    with st.container(horizontal=True, gap="small", key="sql_examples"):
        for example in sql_words.examples(view, tables):
            st.button(
                example.question,
                key=f"sql_example_{example.question}",
                on_click=sql_data.write,
                args=(session, example.sql),
                type="tertiary",
                icon=":material/lightbulb:",
                help="Writes this question's statement into the editor; press Run to see the answer.",
            )
    statement = st.text_area(
        "Statement",
        key=sql_data.STATEMENT,
        bind="query-params",
        height=300,
        max_chars=sql_data.LONGEST,
        placeholder="SELECT country, count(*) FROM snapshots GROUP BY ALL",
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # A link carries the statement but never runs it: whoever opens it reads it first.
        asked = st.button("Run", type="primary", icon=":material/play_arrow:", key="sql_run", shortcut="Ctrl+Enter")
        st.caption(
            f"One reading statement in DuckDB's SQL, at most {SECONDS:g} s and {ROWS:,} rows. The address holds the "
            "statement, so the link can be shared; whoever opens it runs it by pressing Run."
        )
with side, st.container(border=True, height="stretch"):
    st.selectbox(
        "Find a table or column",
        list(sql_words.names(tables)),
        index=None,
        key="sql_find",
        on_change=insert_name,
        placeholder="Type to search; Enter writes the name",
        help="Writes the name at the end of the statement. A misspelt name is answered with the nearest.",
    )
    by_name = {table.name: table for table in tables}
    chosen = by_name[
        st.selectbox(
            "Tables",
            list(by_name),
            format_func=lambda name: f"{name} · {sql_words.count(by_name[name].rows, 'row')}",
            key="sql_table",
        )
    ]
    st.caption(shell.plain(chosen.description[:1].upper() + chosen.description[1:] + "."))
    st.dataframe(
        {
            "Column": [column.name for column in chosen.columns],
            "Type": [column.type for column in chosen.columns],
            "Meaning": [sql_words.label_column(view, column) for column in chosen.columns],
        },
        hide_index=True,
        height=200,
        key="sql_columns",
    )
    st.button(
        f"SELECT from {chosen.name}",
        key="sql_select",
        icon=":material/edit_note:",
        on_click=sql_data.write,
        args=(session, f"SELECT *\nFROM {chosen.name}\nLIMIT 100"),
        width="stretch",
    )

if view.selection.where:
    st.caption("The sidebar's filters do not apply here: a statement says itself what it filters.")
if asked and not (statement or "").strip():
    st.info("Write a statement first, or take one of the questions above the editor.", icon=":material/info:")
elif asked:
    with st.spinner("Running…", show_time=True):
        sql_data.run(view.selection, str(statement), session)

if last := sql_data.shown(view.selection, session):
    if last.answer is None:
        st.error("No answer. DuckDB, or the guard before it, says:", icon=":material/error:")
        st.code(last.error, language=None, wrap_lines=False)
    elif tuple(last.answer.frame.columns) == ("explain_key", "explain_value"):
        st.code("\n".join(last.answer.frame["explain_value"]), language=None)
    else:
        st.markdown(sql_words.summary(last))
        show_rows(last.answer.frame, last.sql)
    with st.expander("The statement that was run", icon=":material/terminal:"):
        st.code(last.sql, language="sql")

if history := sql_data.history(session):
    st.subheader("History", anchor=False)
    st.caption("This session's last statements; a click brings one back into the editor.")
    for place, entry in enumerate(history):
        text, came = sql_words.recall(entry)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                shell.plain(text),
                key=f"sql_recall_{place}",
                type="tertiary",
                icon=":material/history:",
                on_click=sql_data.write,
                args=(session, entry.sql),
            )
            st.caption(shell.plain(came))

"""The sections of the quality page; only the one that is open runs."""

import json
from collections.abc import Callable

import pandas as pd
import streamlit as st

from analytics.figures.book import plot_bars_by_category
from analytics.figures.quality import plot_completeness, plot_incident
from analytics.words import format_number
from pages.common import quality_data, show
from pages.common import quality_loan_words as loan_words
from pages.common.exports import to_csv
from pages.common.quality_words import COMPLETENESS, INCIDENTS, INCIDENTS_FORMULA, NEAR, ODD, PERIODS, TABLES, Words
from pages.common.shell import plain
from portfolio.documents import KEYS

ROWS = 500  # of a table shown at once
OPTIONS = 12  # more values than this get a searchable list
NO_LOAD = "No record of the loading was kept with this portfolio; ingest its files again to have one."
NO_DATES = (
    "This portfolio has no dates, so no month can be compared with another: jumps, lost fields and changes of unit "
    "cannot be seen. Completeness, rules, duplicates and odd loans need no dates."
)


def findings(words: Words) -> None:
    """Show what looks wrong in the fields by month: one incident's course, and all of them as a table."""
    if words.span is None:
        st.info(NO_DATES, icon=":material/info:")
        return
    found = words.incidents
    if found.empty:
        text = f"No field jumped, lost values or changed its unit, {words.window()}."
        st.success(text, icon=":material/check:")
        return
    chosen = st.pills(
        "Incident",
        range(len(found)),
        format_func=lambda place: f"{place + 1} · {plain(words.label(found['field'].iloc[place]) or 'Rows')}",
        default=0,
        required=True,
        key="quality_incident",
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    row = next(found.iloc[[chosen]].itertuples())
    frame, unit, log = words.incident_course(row)
    show.figure(
        words.view,
        plot_incident(
            frame,
            unit=unit,
            log=log,
            name=words.where(row),
            rest="all rows",
            title=words.sentence(row),
            subtitle=words.incident_subtitle(row),
        ),
        frame,
        show.Definition(INCIDENTS, INCIDENTS_FORMULA, window=words.window()),
        key="quality_incident_figure",
    )
    table(words.incident_table(), "quality_incidents")


def completeness(words: Words) -> None:
    """Show the share missing by field and period, in all rows or in one segment's value."""
    tables = quality_data.tables(words.selection)
    chosen = _pick("Table", tables, "quality_table", TABLES.__getitem__) if len(tables) > 1 else tables[0]
    names = ["", *quality_data.segments(words.selection, chosen)]
    segment = _pick("Segment", names, "quality_by", lambda name: words.label(name) if name else "All rows")
    value = ""
    if segment:
        value = _pick(
            "Value", quality_data.segment_values(words.selection, chosen, segment), f"quality_value_{segment}"
        )
    frame = quality_data.completeness(words.selection, chosen, segment, value)
    where = f"{words.label(segment)} {value}" if segment else "all rows"
    title = words.completeness_finding(frame, where)
    shown = words.completeness_order(frame)
    definition = show.Definition(COMPLETENESS, "missing ÷ rows", window=words.window())
    rows = format_number(frame.groupby("period", dropna=False)["n"].max().sum())
    if frame["period"].isna().all():
        bars = words.missing_bars(shown)
        chart = plot_bars_by_category(
            bars,
            category="field",
            value="share",
            unit="share",
            title=title,
            subtitle=f"Share missing by field, {rows} rows",
        )
        show.figure(words.view, chart, bars, definition, key="quality_missing_bars")
    else:
        subtitle = f"Share missing by field and {PERIODS[chosen]}, {rows} rows"
        chart = plot_completeness(shown, title=title, subtitle=subtitle)
        show.figure(words.view, chart, shown, definition, key="quality_missing_map")
    _reasons(words)
    _documents(words)


def _reasons(words: Words) -> None:
    found = words.missing_reasons()
    if not found.empty:
        st.subheader("Why values are missing", anchor=False)
        table(found, "quality_missing_reasons")


def _documents(words: Words) -> None:
    found = quality_data.delivered(words.selection, KEYS)
    if not found.empty:
        st.subheader("Keys of the documents", anchor=False)
        st.caption(
            "How often each key of the semi-structured documents is present, missing, unknown to the schema or bad."
        )
        table(found, "quality_documents")


def rules(words: Words) -> None:
    """Show the rules, the broken ones first, with examples."""
    st.markdown(plain(words.rules_finding()))
    table(words.rule_table(), "quality_rules")


def loads(words: Words) -> None:
    """Show what each load changed, and the rows and documents that were refused."""
    load = words.load()
    if load is None:
        generated = "This portfolio was generated, not loaded from files: no delivery was replaced."
        st.info(generated if words.schema.synthetic else NO_LOAD, icon=":material/info:")
    else:
        text = (
            f"{load.file}: {load.rows_read:,} rows read, {load.rows_kept:,} kept, {load.quarantined:,} in quarantine."
        )
        st.markdown(plain(text))
        for note in load.notes:
            st.caption(plain(note))
    each = words.loads()
    if not each.empty:
        st.subheader("What each file changed", anchor=False)
        table(each, "quality_loads")
    _quarantine(words)


def _quarantine(words: Words) -> None:
    counts = quality_data.quarantine_rules(words.selection)
    st.subheader("Quarantine", anchor=False)
    if counts.empty:
        st.success("No row was refused.", icon=":material/check:")
        return
    by_rule = counts.groupby("rule")["cells"].sum().sort_values(ascending=False)
    st.caption(plain("; ".join(f"{rule}: {cells:,}" for rule, cells in by_rule.items()) + " cells refused."))
    rule = _pick("Rule", ["", *map(str, by_rule.index)], "quality_rule", lambda name: name or "Every rule")
    files = list(dict.fromkeys(counts["file"].astype(str)))
    file = _pick("File", ["", *files], "quality_file", lambda name: name or "Every file") if len(files) > 1 else ""
    found = quality_data.quarantined(words.selection, rule, file, ROWS)
    if found.empty:
        st.info("No refused cell has both; choose another rule or file.", icon=":material/info:")
        return
    table(found, "quality_quarantine")
    place = st.number_input(
        "Row of the table above, whole", 1, len(found), 1, key="quality_row", bind="query-params", width=220
    )
    whole = found["row"].iloc[int(place) - 1]
    try:
        st.json(json.loads(whole))
    except (TypeError, ValueError):
        st.code(str(whole), language=None, wrap_lines=True)


def duplicates(words: Words) -> None:
    """Show pairs of loans that are the same or nearly so, and where the chosen pair differs."""
    found = quality_data.duplicates(words.selection)
    st.caption(NEAR)
    if found.empty:
        st.success(f"No {words.schema.subject} stands twice, exactly or nearly.", icon=":material/check:")
        return
    st.markdown(plain(loan_words.duplicates_finding(words, found)))
    table(loan_words.duplicates_table(words, found), "quality_duplicates")
    pairs = [f"{row.loan} · {row.other}" for row in found.head(ROWS).itertuples()]
    pair = _pick("Pair", pairs, "quality_pair")
    chosen = found.iloc[pairs.index(pair)]
    rows = quality_data.loans(words.selection, (str(chosen["loan"]), str(chosen["other"])))
    table(loan_words.side_by_side(words, rows), "quality_pair_table")


def odd_loans(words: Words) -> None:
    """Show the oddest loans with the reasons, and the chosen one against the typical loan."""
    with st.spinner("Judging the latest loans: a few seconds the first time", show_time=True):
        try:
            odd = quality_data.odd_loans(words.selection)
        except ValueError as error:
            st.info(f"Odd {words.schema.subject}s cannot be judged: {error}.", icon=":material/info:")
            return
    st.markdown(plain(loan_words.odd_finding(words, odd)))
    shown = loan_words.odd_table(words, odd)
    table(shown, "quality_odd")
    key = words.schema.id.name
    loan = _pick(words.schema.subject.capitalize(), [str(name) for name in odd.top[key]], "quality_loan")
    table(loan_words.odd_against_typical(words, odd, loan), "quality_odd_loan")
    with st.popover("How is this computed?", icon=":material/function:", type="tertiary"):
        st.markdown(ODD)


def table(frame: pd.DataFrame, key: str) -> None:
    """Show a table with its CSV; a long one is cut for the eye, not for the file."""
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    spelt = {name: st.column_config.NumberColumn(format="localized") for name in numbers}
    st.dataframe(frame.head(ROWS), hide_index=True, key=key, height="auto", column_config=spelt)
    st.download_button(
        "CSV",
        lambda: to_csv(frame),
        file_name=f"hypothec_{key}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"{key}_csv",
        on_click="ignore",
        type="tertiary",
    )


def _pick(label: str, options: list[str], key: str, words: Callable[[str], str] = str) -> str:
    """Let one of some values be chosen: pills, or a searchable list where there are many."""
    if len(options) <= OPTIONS:
        say = {name: plain(words(name)) for name in options}
        chosen = st.pills(
            label,
            options,
            format_func=lambda name: say[name],
            default=options[0],
            required=True,
            key=key,
            bind="query-params",
            wrap=True,
        )
    else:
        chosen = st.selectbox(label, options, format_func=words, key=key, bind="query-params", width=320)
    return chosen if chosen in options else options[0]


SHOW: dict[str, Callable[[Words], None]] = {
    "Findings": findings,
    "Completeness": completeness,
    "Rules": rules,
    "Loads & quarantine": loads,
    "Duplicates": duplicates,
    "Odd loans": odd_loans,
}

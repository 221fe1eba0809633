"""The figures of the validate page by section: chart, table and definition of each, for the page and the exports."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.migrations import plot_migrations, plot_neighbours
from analytics.figures.validation import plot_exclusions, plot_grades, plot_losses, plot_psi, plot_years
from analytics.generalised_auc import MOST_GRADES
from analytics.grade_tests import ALL
from analytics.migrations import compute_bandwidth, compute_neighbour_tests
from analytics.stability import EMPTY_RULE
from analytics.words import format_list, format_number, format_p_value, format_share
from pages.common import overview_data, validate_data, validate_findings, validate_losses, validate_tests
from pages.common.overview_data import LTV_BAND
from pages.common.provenance import describe_model
from pages.common.show import Definition
from pages.common.validate_data import scale_keys
from pages.common.validate_methods import SOURCE, describe_method
from pages.common.validate_words import Words
from portfolio.workspace import UNDATED


@dataclass(frozen=True)
class Exhibit:
    """One figure: its name in keys and files, the chart, the table behind it, how it is computed, further sentences."""

    name: str
    chart: go.Figure
    table: pd.DataFrame
    definition: Definition
    notes: tuple[str, ...] = ()


def calibration(words: Words) -> list[Exhibit]:
    """Return observed rates by grade against their PDs."""
    table = validate_tests.grades(*words.args)
    whole, each = table.iloc[-1], table[table["grade"] != ALL]
    low = each[each["outcome"].isin(["amber", "red"])]
    event = words.schema.event
    side = "above" if whole["rate"] > whole["pd"] else "below" if whole["rate"] < whole["pd"] else "equal to"
    title = (
        f"Observed {event} rate {format_share(whole['rate'])}, {side} the mean PD of {format_share(whole['pd'])}; "
        + (
            f"PD too low in grade{'s' * (len(low) > 1)} {format_list([str(g) for g in low['grade']])}"
            if len(low)
            else "no grade's PD too low"
        )
    )
    level = words.criteria.validation.interval
    subtitle = f"Rate by grade with {level:.0%} Jeffreys interval against its PD, {_n(whole)}; {words.window()}"
    test = validate_tests.hosmer_lemeshow(words.asked)
    said = f"Hosmer-Lemeshow: χ² {format_number(test.statistic, 2)}, {test.df} degrees of freedom (grades with loans; "
    said += f"the PDs are given), {format_p_value(test.p_value)}"
    notes = (f"{said}: {test.reason}." if test.reason else f"{said}.",)
    chart = plot_grades(each, title=title, subtitle=subtitle)
    return [Exhibit("grades", chart, table, _definition(words, "grades"), notes)]


def discrimination(words: Words) -> list[Exhibit]:
    """Return the AUC on grades by year against initial validation."""
    table = validate_tests.auc_by_year(*words.args)
    try:
        test = validate_tests.discrimination(*words.args)
    except ValueError as error:
        source, line, title = f"Not tested: {error}", None, _auc_title(table)
    else:
        source = f"Initial AUC {test.auc_initial:.3f}: {validate_tests.initial_auc(*words.args)[1]}"
        line = ("Initial validation", test.auc_initial)
        fallen = "has fallen" if test.p < words.criteria.lights.discrimination[0] else "shows no fall beyond chance"
        pooled = f", {test.years} years pooled" if test.years > 1 else ""
        title = f"Discrimination {fallen}: AUC {test.auc:.3f} now, {test.auc_initial:.3f} initially{pooled}"
        title += f" ({format_p_value(test.p)})"
        source += f". s = {test.s:.4f}, S = {test.statistic:.3f} on {_count(words, test.n, test.defaults)}"
    subtitle = (
        f"AUC on grades by date, {words.yearly()}; {_count(words, int(table['n'].sum()), int(table['defaults'].sum()))}"
    )
    few = words.criteria.validation.few_defaults
    definition = _definition(words, "auc", words.yearly(), few=few)
    dated = table if words.key != UNDATED else table.assign(date=pd.Timestamp("2000-01-01"))
    chart = plot_years(
        dated, value="auc", low="low", high="high", title=title, subtitle=subtitle, name="AUC on grades", line=line
    )
    if words.key == UNDATED:
        chart.update_xaxes(showticklabels=False)
    return [Exhibit("auc", chart, table, definition, (f"{source}.",))]


def _auc_title(table: pd.DataFrame) -> str:
    last = table.iloc[-1]
    if pd.isna(last["auc"]):
        return "AUC on grades cannot be had: one outcome only"
    return f"AUC on grades {last['auc']:.3f}, from {last['low']:.3f} to {last['high']:.3f} by its interval"


def migration(words: Words) -> list[Exhibit]:
    """Return the migration matrix and how its cells compare with their neighbours."""
    matrix = validate_tests.migrations(*words.args)
    later = validate_tests.later_key(*words.args)
    counts = matrix.to_numpy(dtype=float)
    size, n = len(matrix), int(np.nansum(counts))
    stayed = float(np.trace(counts[:, :size])) / n
    wide = compute_bandwidth(matrix)
    more = "more to better grades" if wide.moved_lower > wide.moved_upper else "more to worse grades"
    title = (
        f"{format_share(stayed)} stayed in their grade, {more}: {max(wide.moved_lower, wide.moved_upper):,} of {n:,}"
    )
    when = f"{words.key} to {later}"
    subtitle = f"Share of each grade's {words.schema.subject}s by what they were a year later, {when}, {n:,}"
    bands = f"Bandwidth: upper {wide.upper:.3f} (to worse grades), lower {wide.lower:.3f} (to better ones)."
    first = Exhibit(
        "migrations",
        plot_migrations(matrix, title=title, subtitle=subtitle),
        matrix.reset_index().rename(columns=str),
        _definition(words, "migrations", when),
        (bands,),
    )
    return [first, _neighbours(words, matrix, when)]


def _neighbours(words: Words, matrix: pd.DataFrame, when: str) -> Exhibit:
    level = words.criteria.validation.neighbour_level
    table = compute_neighbour_tests(matrix)
    known = table.dropna(subset=["p"])
    odd = known[known["p"] < level]
    names = format_list([f"{row.start} to {row.end}" for row in odd.head(4).itertuples()])
    title = (
        f"{len(odd)} of {len(known)} moves more frequent than a nearer one: {names}{' and others' * (len(odd) > 4)}"
        if len(odd)
        else f"None of {len(known)} moves is more frequent than a nearer one"
    )
    subtitle = f"z of each cell against its neighbour nearer the diagonal, {when}; coloured: p below {level:.0%}"
    chart = plot_neighbours(table, level=level, title=title, subtitle=subtitle)
    return Exhibit("neighbours", chart, table, _definition(words, "neighbours", when, level=level))


def stability(words: Words) -> list[Exhibit]:
    """Return the PSI of the grades by date, with concentration told beside."""
    table = validate_tests.psi(*words.args)
    limits = words.criteria.lights.psi
    known = table.dropna(subset=["psi"])
    last = known.iloc[-1] if len(known) else None
    title = "The grades' shares cannot be compared"
    if last is not None:
        size = "much" if last["psi"] > limits[1] else "somewhat" if last["psi"] > limits[0] else "little"
        moved = f"{size}, though beyond chance" if size == "little" else f"{size}, beyond chance"
        moved = moved if last["psi"] > last["critical"] else "no more than chance would"
        title = f"The grades' shares moved {moved}: PSI {format_number(last['psi'], 3)}"
        title += "" if words.key == UNDATED else f" on {last['date']}"
    against = "the loans that the model learnt from" if words.key == UNDATED else scale_keys(*words.args)[-1]
    definition = _definition(
        words, "psi", level=words.criteria.validation.psi_level, amber=limits[0], red=limits[1], against=against,
        empty=EMPTY_RULE,
    )  # fmt: skip
    subtitle = f"PSI of the grades against {against}, with its critical value; {words.view.schema.subject}s scored"
    chart = plot_psi(table, title=title, subtitle=subtitle, limits=limits)
    first = Exhibit("psi", chart, table, definition, _crowding(words))
    try:
        return [*migration(words), first]
    except ValueError as error:
        return [Exhibit(first.name, chart, table, first.definition, (*first.notes, f"Migrations not run: {error}."))]


def _crowding(words: Words) -> tuple[str, ...]:
    table = validate_tests.concentration(*words.args)
    said = [
        f"by {row['basis']} CV {row['cv']:.3f}, HI {row['hi']:.3f}"
        + (f", {format_p_value(row['p'])} against {row['cv_initial']:.3f}" if pd.notna(row["p"]) else "")
        for row in table.to_dict("records")
    ]
    source = validate_tests.initial_cv(words.asked)[1]
    return (
        f"Concentration ({SOURCE}, 2.5.5.3): {'; '.join(said)}. Initial: {source}. Read p beside HI: in extreme "
        "crowding p rises again.",
    )


def exclusions(words: Words) -> list[Exhibit]:
    """Return the waterfall from all loans to those tested."""
    table = validate_data.exclusions(*words.args)
    m, n = int(table["left"].dropna().iloc[0]), int(table.loc[table["step"] == "tested", "left"].iloc[0])
    absent = table[(table["step"] == "exclusion") & table["n"].isna()]
    title = f"{n:,} of {m:,} {words.schema.subject}s are tested"
    title += f"; {len(absent)} of 3 kinds of exclusion are not recorded" if len(absent) else ""
    told = table[table["step"] == "told"]
    notes = tuple(
        f"{row['label']}: {row['reason']}."
        if pd.isna(row["n"])
        else f"{row['label']}: {row['n']:,.0f}, {format_share(row['share'])} of N."
        for row in told.to_dict("records")
    )
    chart = plot_exclusions(table, title=title, subtitle=f"From all (M) to those tested (N), {words.window()}")
    return [Exhibit("exclusions", chart, table, _definition(words, "exclusions"), notes)]


def long_run(words: Words) -> list[Exhibit]:
    """Return one-year rates and mean PDs by year against the long-run average."""
    table, average = validate_tests.long_run(*words.args)
    mean = float(table["pd"].iloc[-1])
    side = "above" if mean > average.rate else "below" if mean < average.rate else "equal to"
    title = f"Mean PD {format_share(mean)}, {side} the long-run average rate of {format_share(average.rate)}"
    subtitle = (
        f"One-year {words.schema.event} rate and mean PD by date, {words.yearly()}, {int(table['n'].sum()):,} in all"
    )
    chart = plot_years(
        table, value="rate", low="rate_low", high="rate_high", title=title, subtitle=subtitle, share=True,
        name=f"Observed {words.schema.event} rate", line=("Long-run average", average.rate), beside=("Mean PD", "pd"),
    )  # fmt: skip
    notes = (f"Long-run average {average.sentence}.",)
    return [Exhibit("long_run", chart, table, _definition(words, "long_run", words.yearly()), notes)]


def losses(words: Words, by: str = LTV_BAND) -> list[Exhibit]:
    """Return realised against estimated LGD by segment."""
    found = validate_losses.losses(words.selection)
    table = validate_losses.tests(words.selection, by)
    ranking = validate_losses.ranking(words.selection)
    whole = table.iloc[-1]
    side = "more" if whole["realised"] > whole["estimated"] else "less"
    title = (
        f"Defaults lost {format_share(whole['realised'])}, {side} than the {format_share(whole['estimated'])} estimated"
    )
    title += f" ({format_p_value(whole['p'])})" if np.isfinite(whole["p"]) else ""
    dates = (
        f"Estimated on defaults observed {found.learnt_on[0]} to {found.learnt_on[-1]}, tested on those of "
        f"{found.tested_on[0]} to {found.tested_on[-1]}, every 12 months; losses of {found.months} months"
    )
    label = overview_data.label(words.schema, by).lower()
    rows = "its grades" if ranking.rows == "grades" else f"twelve segments (more than {MOST_GRADES} estimates)"
    notes = (
        f"{dates}.",
        f"Loss shortfall {format_share(whole['shortfall'])}. Generalised AUC {ranking.gauc:.3f}, s {ranking.s:.3f}, "
        f"over {rows}{': ' + ranking.reason if ranking.reason else ''}.",
        f"Credit conversion factor not run: {validate_findings.NO_CCF}.",
    )
    names = [f"{'All' if row['segment'] == ALL else row['segment']} · {row['n']:,}" for row in table.to_dict("records")]
    subtitle = f"Mean realised and estimated LGD by {label}, {whole['n']:,} {words.schema.event}s; {dates.lower()}"
    chart = plot_losses(table, names, title=title, subtitle=subtitle)
    return [Exhibit("lgd", chart, table, _definition(words, "lgd", dates, months=found.months), notes)]


SHOWN: dict[str, Callable[[Words], list[Exhibit]]] = {
    "Calibration": calibration,
    "Discrimination": discrimination,
    "Stability": stability,
    "Exclusions": exclusions,
    "Long run": long_run,
    "LGD": losses,
}


def _definition(words: Words, name: str, window: str = "", **values: Any) -> Definition:
    text, formula = describe_method(name, event=words.schema.event, **values)
    return Definition(text, formula, window or words.window(), describe_model(words.model))


def _n(row: pd.Series) -> str:
    return f"{row['defaults']:,} of {row['n']:,}"


def _count(words: Words, n: int, defaults: int) -> str:
    return f"{n:,} {words.schema.subject}s, {defaults:,} {words.schema.event}s"

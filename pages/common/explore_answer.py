"""The answer to what the Explore page was asked: the frame, how it is drawn, worded, exported and reproduced."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pandas as pd

from analytics.figures.explore import Look
from analytics.pivot import Question
from pages.common import cached, explore_data
from pages.common.explore_fields import Fields
from pages.common.explore_words import Asked, Words, totals_of
from pages.common.notebook import Recipe, build_notebook
from pages.common.shell import describe_filters

MOST_COLOURS = 8
MOST_BARS = 40


@dataclass(frozen=True)
class Found:
    """An answer. `problem` says why there is none; `note` that it is drawn in another way than asked."""

    asked: Asked
    problem: str = ""
    note: str = ""
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    look: Look = field(default_factory=lambda: Look("bars", "", ""))
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    export: pd.DataFrame = field(default_factory=pd.DataFrame)
    definition: str = ""
    window: str = ""
    model: str = ""
    words: Words | None = None
    about: dict[str, str] = field(default_factory=dict)
    notebook: Callable[[], bytes] | None = None


def find(fields: Fields, asked: Asked) -> Found:
    """Return the answer to a question whose groups are not yet found."""
    selection, bare = fields.selection, asked.question
    question = explore_data.resolved(selection, asked.keys, bare)
    asked, note = _readable(replace(asked, question=question))
    if asked.chart == "points":
        frame = explore_data.sample(selection, asked.keys, question, asked.x, asked.y)
        total = pd.Series({"loans": len(frame)})
    else:
        frame = explore_data.answer(selection, asked.keys, question)
        total = explore_data.answer(selection, asked.keys, totals_of(question)["all"]).iloc[0]
    if problem := _problem(fields, asked, frame, total):
        return Found(asked, problem)
    words = Words(fields, asked, frame)
    look = words.points_look(frame) if asked.chart == "points" else words.look(total)
    definition = _POINTS if asked.chart == "points" else words.definition()
    table = _pivot(fields, words) if asked.chart == "pivot" else frame.drop(columns=["total"], errors="ignore")
    recipe = _recipe(fields, asked, bare, look)
    return Found(
        asked,
        note=note,
        frame=frame,
        look=look,
        table=table,
        export=frame,
        definition=definition,
        window=words.window(),
        model=recipe.ref,
        words=words,
        about=_about(fields, words, look, definition, recipe),
        notebook=lambda: build_notebook(recipe, frame, definition),
    )


_POINTS = (
    "Each point is one row; where there are more than 10,000, those whose MD5 of loan and date is smallest, so the "
    "same at every visit (of a large book, whole loans drawn by a hash first). Spearman's correlation is of the points "
    "shown."
)


def _readable(asked: Asked) -> tuple[Asked, str]:
    """Return what can be read: many colours become a heat map, many bars lines, and a note says so."""
    rows, columns = asked.question.rows, asked.question.columns
    if asked.chart in ("bars", "lines", "boxes") and columns is not None and len(columns.parts) > MOST_COLOURS:
        chart, why = "heat map", f"{len(columns.parts)} groups are too many for colours: shown as a heat map."
        return (asked, "") if asked.chart == "boxes" else (replace(asked, chart=chart), why)  # type: ignore[arg-type]
    if asked.chart == "bars" and rows is not None and len(rows.parts) > MOST_BARS:
        return replace(asked, chart="lines"), f"{len(rows.parts)} groups are too many for bars: shown as lines."
    return asked, ""


def _problem(fields: Fields, asked: Asked, frame: pd.DataFrame, total: pd.Series) -> str:
    """Return why there is nothing to see, or ""."""
    kept = describe_filters(fields.view)
    more = ", and the page's own filters" if asked.question.filters else ""
    if frame.empty or not total["loans"]:
        return f"No {fields.schema.subject} matches the filters: {kept}{more}."
    if asked.chart == "points":
        return ""
    if asked.question.measure == "rate" and not total["n"]:
        return (
            f"No outcome is known yet for these rows, so there is no {fields.schema.event} rate; choose earlier dates."
        )
    if "known" in frame.columns and asked.question.measure != "missing" and not total["known"]:
        return f"{fields.label(asked.question.of)} is missing in all of these rows."
    return ""


def _pivot(fields: Fields, words: Words) -> pd.DataFrame:
    """Return the pivot table with its totals, each counted by the engine: medians do not add up."""
    asked = words.asked
    totals = {name: explore_data.answer(fields.selection, asked.keys, question)
              for name, question in totals_of(asked.question).items()}  # fmt: skip
    return words.wide(totals)


def _recipe(fields: Fields, asked: Asked, bare: Question, look: Look) -> Recipe:
    extra = (asked.x, asked.y)
    ref = fields.champion if explore_data.uses_pd(bare, *extra) else ""
    hashed = cached.portfolio(fields.selection).data_hash
    return Recipe(fields.selection, asked.keys, bare, look, hashed, ref, asked.x, asked.y)


def _about(fields: Fields, words: Words, look: Look, definition: str, recipe: Recipe) -> dict[str, str]:
    manifest = cached.portfolio(fields.selection).manifest
    facts = {
        "Finding": look.title,
        "What": look.subtitle,
        "Definition": definition,
        "Portfolio": fields.schema.title,
        "Selection": describe_filters(fields.view),
        "Dates": words.window(),
        "Model": recipe.ref,
        "Source": str(manifest["source"]),
        "Data SHA-256": recipe.data_hash,
    }
    return {name: text for name, text in facts.items() if text}

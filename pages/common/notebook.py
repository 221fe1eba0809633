"""A Jupyter notebook that asks the same question of the workspace again, checks the numbers and shows the figure."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.figures.explore import Look
from analytics.pivot import Question
from portfolio.selection import Selection

DIGITS = 9  # significant digits that must agree


@dataclass(frozen=True)
class Recipe:
    """All that a figure of Explore is made from. `question` is as asked, without its groups: they are found again."""

    selection: Selection
    keys: tuple[str, ...] | None
    question: Question
    look: Look
    data_hash: str
    ref: str = ""
    x: str = ""
    y: str = ""


def build_notebook(recipe: Recipe, expected: pd.DataFrame, definition: str) -> bytes:
    """Return a notebook (nbformat 4.5, as JSON) that reproduces `expected`, the frame behind the page's figure."""
    cells = [
        _cell("markdown", "title", f"# {recipe.look.title}\n\n{recipe.look.subtitle}\n\n{definition}"),
        _cell("markdown", "how", _HOW),
        _cell("code", "setup", _SETUP.format(portfolio=recipe.selection.portfolio)),
        _cell("code", "question", _question(recipe)),
        _cell("code", "answer", _points(recipe) if recipe.look.chart == "points" else _ANSWER),
        _cell("code", "check", _check(recipe, expected)),
        _cell("code", "figure", f"look = {recipe.look!r}\nplot_answer(frame, look)"),
    ]
    body = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(body, indent=1, ensure_ascii=False).encode()


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": source.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


_HOW = (
    "Start Jupyter in Hypothec's folder (the one with `cli.py`), with its requirements installed. The workspace is "
    "`./workspace`, or where `HYPOTHEC_WORKSPACE` points."
)

_SETUP = """import os
import warnings
from pathlib import Path

from analytics.banding import Dimension
from analytics.figures.explore import Look, plot_answer
from analytics.pivot import Filter, Question, compute_pivot, load_sample, resolve
from portfolio.engine import Engine
from portfolio.observed import observed_rows
from portfolio.selection import Selection
from portfolio.workspace import open_portfolio, workspace_root

workspace = workspace_root(os.environ.get("HYPOTHEC_WORKSPACE"))
portfolio = open_portfolio(Path(workspace), {portfolio!r})
engine = Engine(portfolio)"""

_ANSWER = """resolved = resolve(rows, engine.fetch, question, reference=reference)
frame = compute_pivot(rows, engine.fetch, resolved)
frame"""


def _question(recipe: Recipe) -> str:
    latest = None if recipe.keys is None else recipe.keys[-1:]
    name = recipe.selection.portfolio
    return f"""selection = Selection(str(workspace), {name!r}, {recipe.selection.where!r})
keys = {recipe.keys!r}  # the snapshots; None: a table without dates
question = {recipe.question!r}
rows = observed_rows(engine, selection, keys, {recipe.ref!r})
# Bands are found on the whole of the latest snapshot, so that they stay when filters change.
reference = observed_rows(engine, Selection(str(workspace), {name!r}), {latest!r}, {recipe.ref!r})"""


def _points(recipe: Recipe) -> str:
    schema = "keys_of_a_row = (portfolio.schema.id.name, *(() if keys is None else ('observation_date',)))"
    sample = f"frame = load_sample(rows, engine.fetch, resolved, {recipe.x!r}, {recipe.y!r}, keys=keys_of_a_row)"
    return f"resolved = resolve(rows, engine.fetch, question, reference=reference)\n{schema}\n{sample}\nframe"


def _check(recipe: Recipe, expected: pd.DataFrame) -> str:
    numbers = [name for name in ("loans", "n", "events", "known", "value", "x", "y") if name in expected.columns]
    if recipe.look.chart == "points":
        values = {name: [_rounded(expected[name].sum())] for name in numbers}
        now = f"{{name: [float(f'{{frame[name].sum():.{DIGITS}g}}')] for name in expected}}"
    else:
        values = {name: [_rounded(value) for value in expected[name]] for name in numbers}
        now = f"{{name: [float(f'{{float(value):.{DIGITS}g}}') for value in frame[name]] for name in expected}}"
    return f"""expected = {values!r}
found = {now}
if portfolio.data_hash == {recipe.data_hash!r}:
    found = {{name: [None if value != value else value for value in values] for name, values in found.items()}}
    assert found == expected, "the numbers differ from those exported, though the data is the same"
    print("The same numbers as exported.")
else:
    warnings.warn("The data has changed since the export: the numbers may differ.", stacklevel=1)"""


def _rounded(value: float) -> float | None:
    return None if pd.isna(value) else float(f"{float(value):.{DIGITS}g}")

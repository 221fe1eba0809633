"""The pages' only caches: engines, models and the small tables that analytics gives.

Every key holds the selection and a stamp of the portfolio's files, so a rebuilt portfolio, a new model or new
scores are seen at once. Every cache is bounded.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import ibis
import pandas as pd
import streamlit as st

from analytics import book, outcomes, regions
from pages.common import memory
from portfolio.engine import Engine
from portfolio.policy import FILE
from portfolio.sandbox import Sandbox
from portfolio.selection import Selection, select_rows
from portfolio.workspace import Portfolio, open_portfolio

P = ParamSpec("P")
R = TypeVar("R")


def portfolio(selection: Selection) -> Portfolio:
    """Return the selected portfolio, its schema and manifest read once."""
    root = open_portfolio(Path(selection.workspace), selection.portfolio).root
    files = (root / "schema.toml", root / "data.json")
    return _portfolio(str(root), "|".join(str(path.stat().st_mtime_ns) for path in files if path.exists()))


@st.cache_resource(max_entries=16, show_spinner=False)
def _portfolio(root: str, stamp: str) -> Portfolio:  # noqa: ARG001
    return Portfolio(Path(root))


def stamp(selection: Selection) -> str:
    """Return when the portfolio's data, policy, models and scores last changed."""
    root = portfolio(selection).root
    places = [root / "data.json", root / FILE]
    places += [root / "models" / name for name in ("manifest.json", "background.parquet")]
    places += [*sorted(root.glob("models/*/*/complexity.json")), *sorted(root.glob("scores/*/*"))]
    return "|".join(f"{path.name}{path.stat().st_mtime_ns}" for path in places if path.exists())


@st.cache_resource(max_entries=4, show_spinner=False)
def _engine(root: str, stamp: str) -> Engine:  # noqa: ARG001
    return Engine(Portfolio(Path(root)))


def engine(selection: Selection) -> Engine:
    """Return the query engine of the selected portfolio."""
    return _engine(str(portfolio(selection).root), stamp(selection))


@st.cache_resource(max_entries=4, show_spinner=False)
def _sandbox(root: str, stamp: str) -> Sandbox:  # noqa: ARG001
    return Sandbox(Portfolio(Path(root)))


def sandbox(selection: Selection) -> Sandbox:
    """Return what runs the SQL workbench's statements on the selected portfolio."""
    return _sandbox(str(portfolio(selection).root), stamp(selection))


@st.cache_data(max_entries=512, show_spinner=False)
def _remembered(name: str, selection: Selection, stamp: str, args: tuple[Any, ...], _compute: Callable[[], Any]) -> Any:  # noqa: ARG001
    return _compute()


def remember(function: Callable[Concatenate[Selection, P], R]) -> Callable[Concatenate[Selection, P], R]:
    """Cache a function of a selection and hashable arguments; it must return small tables.

    A keyword that begins with an underscore (a progress report) is passed on and no part of the key.
    """

    @functools.wraps(function)
    def wrapper(selection: Selection, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (*args, *sorted(item for item in kwargs.items() if not item[0].startswith("_")))
        compute = functools.partial(function, selection, *args, **kwargs)
        return _remembered(f"{function.__module__}.{function.__qualname__}", selection, stamp(selection), key, compute)  # type: ignore[no-any-return]

    return wrapper  # type: ignore[return-value]


@st.cache_resource(max_entries=16, show_spinner=False)
def _held(name: str, selection: Selection, stamp: str, args: tuple[Any, ...], _compute: Callable[[], Any]) -> Any:  # noqa: ARG001
    value = _compute()
    memory.settle_libraries()
    return value


def hold(function: Callable[Concatenate[Selection, P], R]) -> Callable[Concatenate[Selection, P], R]:
    """Cache what is too large to copy at each click, such as a model: every reader gets the same object."""

    @functools.wraps(function)
    def wrapper(selection: Selection, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (*args, *sorted(kwargs.items()))
        compute = functools.partial(function, selection, *args, **kwargs)
        return _held(f"{function.__module__}.{function.__qualname__}", selection, stamp(selection), key, compute)  # type: ignore[no-any-return]

    return wrapper  # type: ignore[return-value]


@remember
def by_month(selection: Selection) -> pd.DataFrame:
    """Exposure, arrears and prepayment by month."""
    here = engine(selection)
    return book.compute_by_month(select_rows(here.flows(), selection.where), here.fetch)


@remember
def last_year_by(selection: Selection, by: tuple[str, ...]) -> pd.DataFrame:
    """Exposure and arrears by group and month of the last twelve months: what moved, and where."""
    return book.compute_by_month(_last_year(selection), engine(selection).fetch, by=by)


@remember
def arrears_by(selection: Selection, by: tuple[str, ...]) -> pd.DataFrame:
    """Arrears by group over the last twelve months as one."""
    return regions.compute_arrears_over(_last_year(selection), engine(selection).fetch, by)


def _last_year(selection: Selection) -> Any:
    """Return the flows of the last twelve months (an Ibis table)."""
    rows = select_rows(engine(selection).flows(), selection.where)
    return rows.filter(rows.month >= book.select_last_year(by_month(selection))["month"].min().date())


@remember
def outcomes_by(selection: Selection, by: tuple[str, ...], keys: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Event rates and averages by date or segment, from all snapshots or those of `keys`."""
    here, schema = engine(selection), portfolio(selection).schema
    rows = select_rows(here.snapshots(keys), selection.where)
    return outcomes.compute_outcomes(
        rows,
        here.fetch,
        by=by,
        target=next(iter(schema.names("target")), None),
        exposure=schema.exposure.name if schema.exposure else None,
        averages=average_fields(selection),
    )


def average_fields(selection: Selection) -> tuple[str, ...]:
    """Return the fields whose averages the overview shows: loan-to-value and debt service, or the first features."""
    schema = portfolio(selection).schema
    known = [schema.meaning(meaning) for meaning in ("ltv", "debt_service")]
    numbers = [item for item in schema.with_role("feature") if item.kind == "number" and not item.categories]
    chosen = [item.name for item in known if item is not None]
    spare = [item.name for item in numbers if item.name not in chosen and item.maximum != 1]
    return tuple((chosen + spare)[:2])


@remember
def segment_values(selection: Selection, name: str) -> list[str]:
    """Return a segment's values, most frequent first."""
    here = engine(selection)
    table = here.snapshots()
    counted = table.filter(table[name].notnull()).group_by(value=table[name].cast("string")).agg(n=ibis._.count())
    return list(here.fetch(counted.order_by(ibis.desc("n"), "value").limit(200))["value"])

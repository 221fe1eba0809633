"""The pages' only caches: engines, models and the small tables that analytics gives.

Every key holds the selection and a stamp of the portfolio's files, so a rebuilt portfolio, a new model or new
scores are seen at once. Every cache is bounded.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import ibis
import pandas as pd
import streamlit as st

from analytics import attributions, book, curves, outcomes, performance, regions
from analytics.figures.template import model_colours
from portfolio.engine import Engine
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
    """Return when the portfolio's data, models and scores last changed."""
    root = portfolio(selection).root
    places = [root / "data.json", root / "models" / "manifest.json", *sorted(root.glob("scores/*/*"))]
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
    """Cache a function of a selection and hashable arguments; it must return small tables."""

    @functools.wraps(function)
    def wrapper(selection: Selection, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (*args, *sorted(kwargs.items()))
        compute = functools.partial(function, selection, *args, **kwargs)
        return _remembered(f"{function.__module__}.{function.__qualname__}", selection, stamp(selection), key, compute)  # type: ignore[no-any-return]

    return wrapper  # type: ignore[return-value]


@dataclass(frozen=True)
class ModelView:
    """A model version as pages show it."""

    ref: str
    label: str
    family: str
    colour: str
    is_champion: bool
    sha256: str


@remember
def models(selection: Selection) -> tuple[ModelView, ...]:
    """Return the scored models in use, champion first."""
    from models.registry import display_name, load_registry

    registry = load_registry(portfolio(selection))
    shown = [entry for entry in registry.latest() if scored_keys(selection, str(entry.ref))]
    labels = [display_name(registry, entry) for entry in shown]
    named = [(label, entry.family, registry.is_champion(entry)) for label, entry in zip(labels, shown, strict=True)]
    colours = model_colours(named)
    return tuple(
        ModelView(
            str(entry.ref), label, entry.family, colours[label], registry.is_champion(entry), entry.files["card.json"]
        )
        for label, entry in zip(labels, shown, strict=True)
    )


def scored_keys(selection: Selection, ref: str) -> list[str]:
    """Return the snapshots that a model version has scored."""
    return sorted(path.stem for path in (portfolio(selection).scores / ref).glob("*.parquet"))


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
    return rows.filter(rows.month >= by_month(selection)["month"].tail(12).min().date())


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


@st.cache_resource(max_entries=6, show_spinner=False)
def _judged(selection: Selection, sample: str, refs: tuple[str, ...], stamp: str) -> Any:  # noqa: ARG001
    from models.stored import load_scored

    return load_scored(engine(selection), refs, sample, selection.where)


def judged(selection: Selection, sample: str) -> Any:
    """Return outcomes, loans and every model's PDs of a sample (a resource: too large to copy at each click)."""
    return _judged(selection, sample, tuple(view.ref for view in models(selection)), stamp(selection))


@remember
def samples(selection: Selection) -> dict[str, tuple[int, int]]:
    """Return (rows, events) of each sample that can be judged, latest first: rows that all models have scored."""
    found = {}
    for name in ("out-of-time", "out-of-sample", "development"):
        outcomes = judged(selection, name).y
        if 0 < outcomes.sum() < len(outcomes):
            found[name] = (len(outcomes), int(outcomes.sum()))
    return found


@remember
def metrics(selection: Selection, sample: str) -> pd.DataFrame:
    """Every metric of every model on a sample, with intervals clustered by loan."""
    data = judged(selection, sample)
    return performance.compute_metrics(data.y, data.scores, cluster=data.loan).assign(sample=sample)


@remember
def differences(selection: Selection, sample: str) -> pd.DataFrame:
    """Every challenger's difference from the champion on a sample, paired."""
    data = judged(selection, sample)
    champion = next(view.ref for view in models(selection) if view.is_champion)
    return performance.compute_paired_differences(data.y, data.scores, champion, cluster=data.loan)


@remember
def roc(selection: Selection, sample: str) -> pd.DataFrame:
    """ROC curves of every model on a sample."""
    data = judged(selection, sample)
    return curves.compute_roc(data.y, data.scores)


@remember
def calibration(selection: Selection, sample: str) -> pd.DataFrame:
    """Observed rate by bin of PD, of every model on a sample."""
    data = judged(selection, sample)
    return curves.compute_calibration_bins(data.y, data.scores, cluster=data.loan)


@remember
def distribution(selection: Selection, sample: str) -> pd.DataFrame:
    """Distribution of every model's PDs by outcome on a sample."""
    data = judged(selection, sample)
    return curves.compute_score_distribution(data.y, data.scores)


@remember
def explained_keys(selection: Selection, ref: str) -> list[str]:
    """Return the snapshots that a model version has explained, latest first."""
    import pyarrow.parquet as pq

    folder = portfolio(selection).scores / ref
    return [
        key
        for key in reversed(scored_keys(selection, ref))
        if "base" in pq.read_schema(folder / f"{key}.parquet").names
    ]


@remember
def importance(selection: Selection, key: str) -> pd.DataFrame:
    """Mean size of every feature's attributions, of every model that has explained a snapshot."""
    here = engine(selection)
    parts = []
    for view in models(selection):
        if key in explained_keys(selection, view.ref):
            parts.append(
                attributions.compute_importance(explained(selection, view.ref, key), here.fetch).assign(model=view.ref)
            )
    return pd.concat(parts, ignore_index=True)


def explained(selection: Selection, ref: str, key: str) -> Any:
    """Return a snapshot's explained loans with their features, filtered by the selection (an Ibis table)."""
    here, schema = engine(selection), portfolio(selection).schema
    scores = here.scores(ref, [key])
    rows = select_rows(here.snapshots([key]), selection.where)
    own = [name for name in scores.columns if name not in rows.columns]
    joined = rows.inner_join(scores.select(schema.id.name, *own), schema.id.name)
    return joined.filter(joined.base.notnull())


@remember
def dependence(selection: Selection, ref: str, key: str, feature: str) -> attributions.Dependence:
    """How a model's attribution of a feature depends on its value."""
    here, schema = engine(selection), portfolio(selection).schema
    return attributions.compute_dependence(explained(selection, ref, key), feature, here.fetch, keys=[schema.id.name])


@remember
def loan_index(selection: Selection, key: str, refs: tuple[str, ...]) -> pd.DataFrame:
    """Return id, and the PDs of the models `refs`, of the loans of a snapshot (for picking one)."""
    from models.stored import load_loan_index

    return load_loan_index(engine(selection), refs, key, selection.where)


@remember
def loan(selection: Selection, key: str, loan_id: str) -> pd.Series:
    """Return one loan's row of a snapshot."""
    from models.stored import load_loan

    return load_loan(engine(selection), key, loan_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def _model(root: str, ref: str, stamp: str) -> Any:  # noqa: ARG001
    from models.registry import load_model, load_registry

    here = Portfolio(Path(root))
    return load_model(here, load_registry(here).find(ref))


@remember
def loan_explanation(selection: Selection, ref: str, key: str, loan_id: str) -> tuple[float, pd.Series]:
    """Return base and attributions of one loan: the stored ones, or made now where the loan has none."""
    from models.stored import explain_loan

    def load() -> Any:
        return _model(str(portfolio(selection).root), ref, stamp(selection))

    return explain_loan(engine(selection), load, ref, key, loan_id)


@remember
def typical(selection: Selection) -> dict[str, Any]:
    """Return the recorded background's median or most frequent value of each feature."""
    from models.stored import typical_values

    return typical_values(engine(selection))

"""The tables behind the Experiments page: a portfolio's runs, their rows judged side by side, searches under way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics import performance
from analytics.experiments import compute_by_period
from models.experiments import compare
from models.experiments.folders import Run, list_runs, root_of
from models.experiments.tuning import JOURNAL, list_trials
from models.registry import load_registry
from pages.common.cached import hold, portfolio, remember
from portfolio.selection import Selection

SAMPLES = ("out-of-time", "out-of-sample")
MONTHS = 6  # of a period after training
DEFAULT_REFERENCE = "scorecard"


@dataclass(frozen=True)
class Runs:
    """A portfolio's experiments: finished on its data of today, finished on other data, and begun only."""

    done: tuple[Run, ...] = ()
    other_data: tuple[Run, ...] = ()
    begun: tuple[Run, ...] = ()

    def find(self, name: str) -> Run:
        """Return the experiment of a name."""
        return next(run for run in (*self.done, *self.begun) if run.config.name == name)


def stamp(selection: Selection) -> str:
    """Return when the portfolio's experiments last changed; part of every key here."""
    root = root_of(portfolio(selection))
    files = [path for name in ("config.json", "DONE", JOURNAL) for path in sorted(root.glob(f"*/{name}"))]
    return "|".join(f"{path.parent.name}/{path.name}{path.stat().st_mtime_ns}" for path in files)


def runs(selection: Selection) -> Runs:
    """Return the portfolio's experiments."""
    found: Runs = _runs(selection, stamp(selection))
    return found


@hold
def _runs(selection: Selection, stamp: str) -> Runs:  # noqa: ARG001
    here = portfolio(selection)
    found = list_runs(here)
    done = [run for run in found if run.done]
    same = [run.report["data_sha256"] == here.data_hash for run in done]
    return Runs(
        tuple(run for run, ok in zip(done, same, strict=True) if ok),
        tuple(run for run, ok in zip(done, same, strict=True) if not ok),
        tuple(run for run in found if not run.done),
    )


def boards(selection: Selection) -> dict[str, pd.DataFrame]:
    """Return the leaderboard of each sample that has one."""
    found: dict[str, pd.DataFrame] = _boards(selection, stamp(selection))
    return found


@remember
def _boards(selection: Selection, stamp: str) -> dict[str, pd.DataFrame]:  # noqa: ARG001
    done = runs(selection).done
    found = {sample: compare.leaderboard(done, sample) for sample in SAMPLES}
    return {sample: board for sample, board in found.items() if len(board)}


def joined(selection: Selection, sample: str) -> pd.DataFrame:
    """Return outcomes and every finished experiment's PDs of a sample, on the rows that all have."""
    found: pd.DataFrame = _joined(selection, stamp(selection), sample)
    return found


@hold
def _joined(selection: Selection, stamp: str, sample: str) -> pd.DataFrame:  # noqa: ARG001
    names = set(boards(selection)[sample]["name"])
    return compare.join_predictions([run for run in runs(selection).done if run.config.name in names], sample)


@hold
def _evaluated(selection: Selection, stamp: str, sample: str) -> performance.Evaluation:  # noqa: ARG001
    """Return what each loan adds to every experiment's metrics: differences from any of them follow at once."""
    table = joined(selection, sample)
    scores = {name: table[name].to_numpy() for name in boards(selection)[sample]["name"]}
    return performance.evaluate(
        table["_y"].to_numpy(), scores, cluster=table["_loan"].to_numpy(), metrics=compare.PAIRED
    )


def differences(selection: Selection, sample: str, against: str) -> pd.DataFrame:
    """Return every experiment's paired differences from `against`, as `models.experiments.compare.differences`."""
    found: pd.DataFrame = _differences(selection, stamp(selection), sample, against)
    return found


@remember
def _differences(selection: Selection, stamp: str, sample: str, against: str) -> pd.DataFrame:
    table = performance.list_differences(_evaluated(selection, stamp, sample), against)
    return table.rename(columns={"challenger": "name"})


def by_period(selection: Selection, against: str) -> pd.DataFrame:
    """Return the out-of-time Gini by half-years since training, and the differences from `against` in each.

    Columns as `compute_by_period`; `period` is the months since the last development date at its start. Empty where
    there are no dates.
    """
    found: pd.DataFrame = _by_period(selection, stamp(selection), against)
    return found


@remember
def _by_period(selection: Selection, stamp: str, against: str) -> pd.DataFrame:  # noqa: ARG001
    until = runs(selection).find(against).report["protocol"]["development"]["until"]
    if until is None or SAMPLES[0] not in boards(selection):
        return pd.DataFrame()
    table = joined(selection, SAMPLES[0])
    dates, end = pd.to_datetime(table["_date"]), pd.Timestamp(until)
    since = (dates.dt.year - end.year) * 12 + dates.dt.month - end.month
    scores = {name: table[name].to_numpy() for name in boards(selection)[SAMPLES[0]]["name"]}
    return compute_by_period(table["_y"], scores, np.asarray(since // MONTHS * MONTHS), against, cluster=table["_loan"])


def trials(selection: Selection, name: str) -> list[Mapping[str, Any]]:
    """Return an experiment's trials: those of its report, or of its journal so far."""
    run = runs(selection).find(name)
    if run.done:
        return list(run.report["trials"])
    found: list[Mapping[str, Any]] = _journal(selection, stamp(selection), name)
    return found


@remember
def _journal(selection: Selection, stamp: str, name: str) -> list[Mapping[str, Any]]:  # noqa: ARG001
    run = runs(selection).find(name)
    return list(list_trials(run.folder, run.config))


def champion_family(selection: Selection) -> str:
    """Return the family of the model in production, or the scorecard where there is none."""
    registry = load_registry(portfolio(selection))
    champion = next((entry for entry in registry.latest() if registry.is_champion(entry)), None)
    return champion.family if champion else DEFAULT_REFERENCE


def default_reference(selection: Selection, names: list[str]) -> str:
    """Return whom the others are compared with: the champion's family, or the scorecard, or the first."""
    family = champion_family(selection)
    own = [run.config.name for run in runs(selection).done if run.config.family == family and run.config.name in names]
    # Of several the one called as the family is the full one; the rest are its variants.
    for wanted in (family, *own, DEFAULT_REFERENCE):
        if wanted in names:
            return wanted
    return names[0]

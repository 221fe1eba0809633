"""Tuning: Optuna proposes settings, later periods of the development sample judge them; a killed search goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analytics.performance import compute_metrics
from models.encoding import Feature
from models.experiments.config import ExperimentConfig
from models.fitting import fit_on
from models.protocol import Fold
from portfolio.errors import HypothecError
from portfolio.progress import Report, silent

JOURNAL = "trials.log"
SEED = 20260630


def tune(
    config: ExperimentConfig, features: tuple[Feature, ...], folds: Sequence[Fold], folder: Path,
    *, report: Report = silent,
) -> dict[str, Any]:  # fmt: skip
    """Return the best settings of the search space, by mean log loss over `folds`; {} where nothing is tuned.

    Every trial is judged fold by fold; one that is worse than the median of the others after a fold is pruned. The
    journal in `folder` holds every trial, so a killed run goes on where it was; the budget of trials and minutes counts
    what it holds. HypothecError if no trial could be fitted.
    """
    budget = config.tuning
    if not budget.trials:
        return {}
    study = open_study(folder, config.name)
    while (done := _finished(study)) < budget.trials:
        if budget.minutes and _spent(study) > 60 * budget.minutes:
            break
        best = f", best log loss {study.best_value:.5f}" if _any_complete(study) else ""
        report(done / budget.trials, f"tuning {config.name}, trial {done + 1} of {budget.trials}{best}")
        study.optimize(
            lambda trial: _judge(trial, config, features, folds), n_trials=1, catch=(HypothecError, ValueError)
        )
        if done + 1 >= 3 and not _any_complete(study):
            break
    if not _any_complete(study):
        told = [trial.user_attrs["error"] for trial in study.trials if "error" in trial.user_attrs]
        raise HypothecError(
            f"experiment {config.name}: none of {_finished(study)} trials could be fitted; the last said: "
            f"{told[-1] if told else 'nothing'}; change its settings or search space, then run it --again"
        )
    return _settings(study.best_params, budget.space)


def open_study(folder: Path, name: str) -> Any:
    """Return the search of an experiment, kept in a journal file in its folder."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a trial that fails says so in our own words
    from optuna.storages import journal

    storage = optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / JOURNAL)))
    study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True, direction="minimize")
    # A search that goes on must not draw again what it drew before it was killed.
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials), n_startup_trials=5)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=3)
    return study


def list_trials(folder: Path, config: ExperimentConfig) -> list[dict[str, Any]]:
    """Return number, state, log loss, seconds and settings of every trial; [] where nothing was tuned."""
    if not (folder / JOURNAL).exists():
        return []
    import optuna
    from optuna.storages import journal

    storage = optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / JOURNAL)))
    try:  # `open_study` would write to the journal of a search that may be going on
        study = optuna.load_study(study_name=config.name, storage=storage)
    except KeyError:  # begun, its first line not yet written
        return []
    return [
        {"number": trial.number, "state": trial.state.name.lower(), "log_loss": trial.value,
         "seconds": None if trial.duration is None else round(trial.duration.total_seconds(), 2),
         "settings": _settings(trial.params, config.tuning.space)}
        for trial in study.trials
    ]  # fmt: skip


def _judge(trial: Any, config: ExperimentConfig, features: tuple[Feature, ...], folds: Sequence[Fold]) -> float:
    """Return a trial's mean log loss over the folds."""
    import optuna

    settings = {**config.settings, **_suggest(trial, config.tuning.space)}
    losses: list[float] = []
    for place, fold in enumerate(folds):
        try:
            model = fit_on(config.family, features, fold.fit, fold.later, config.seeds[0], settings)
            pds = {"": model.predict_proba(fold.later.X)[:, 1]}
            loss = compute_metrics(fold.later.y, pds, metrics=("log_loss",))["estimate"].iloc[0]
        except (HypothecError, ValueError) as error:  # a ValueError says which PDs are no numbers
            trial.set_user_attr("error", str(error))
            raise
        losses.append(float(loss))
        trial.report(float(np.mean(losses)), place)
        if place + 1 < len(folds) and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(losses))


def _suggest(trial: Any, space: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, entry in space.items():
        if "choices" in entry:  # by place: the journal takes no lists as values
            chosen[name] = entry["choices"][trial.suggest_int(name, 0, len(entry["choices"]) - 1)]
        elif isinstance(entry["low"], int) and isinstance(entry["high"], int):
            chosen[name] = trial.suggest_int(name, entry["low"], entry["high"], log=bool(entry.get("log")))
        else:
            chosen[name] = trial.suggest_float(name, entry["low"], entry["high"], log=bool(entry.get("log")))
    return chosen


def _finished(study: Any) -> int:
    return sum(trial.state.is_finished() for trial in study.trials)


def _spent(study: Any) -> float:
    """Return the seconds that the finished trials took, those of former runs among them."""
    return float(sum(trial.duration.total_seconds() for trial in study.trials if trial.state.is_finished()))


def _any_complete(study: Any) -> bool:
    return any(trial.state.name == "COMPLETE" for trial in study.trials)


def _settings(params: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a trial's parameters as settings of the family: a choice is kept by its place."""
    return {
        name: space[name]["choices"][value] if "choices" in space[name] else value for name, value in params.items()
    }

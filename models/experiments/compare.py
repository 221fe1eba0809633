"""Experiments side by side: a leaderboard, and paired differences on the same rows."""

from collections.abc import Sequence

import pandas as pd

from analytics.performance import compute_paired_differences
from models.experiments.folders import KEYS, Run
from portfolio.errors import HypothecError

PAIRED = ("gini", "log_loss", "brier")
NUMBERS = ("gini", "low", "high", "seed_low", "seed_high", "log_loss", "o_e_ratio", "rmse_truth")


def leaderboard(runs: Sequence[Run], sample: str) -> pd.DataFrame:
    """Return one row a finished experiment, highest Gini first.

    name, family, title, gini, low, high (interval clustered by loan), seed_low and seed_high (range of the Gini over
    the seeds), log_loss, o_e_ratio, rmse_truth (distance from the true PDs, where they are known), complexity,
    latency_ms (10,000 loans), fit_seconds, trials, peak_memory_mb. Experiments without the sample are left out.
    """
    rows = []
    for run in runs:
        report = run.report
        found = {row["metric"]: row for row in report.get("metrics", ()) if row["sample"] == sample}
        if "gini" not in found:
            continue
        ginis = [row["estimate"] for seed in report["seeds"] for row in seed["metrics"]
                 if row["sample"] == sample and row["metric"] == "gini"]  # fmt: skip
        rows.append({
            "name": run.config.name, "family": run.config.family, "title": report["title"],
            "gini": found["gini"]["estimate"], "low": found["gini"]["low"], "high": found["gini"]["high"],
            "seed_low": min(ginis), "seed_high": max(ginis), "seeds": len(ginis),
            "log_loss": found["log_loss"]["estimate"], "o_e_ratio": found["o_e_ratio"]["estimate"],
            "rmse_truth": (report.get("truth") or {}).get("rmse"), "complexity": report["complexity"],
            "latency_ms": report["latency_ms"], "fit_seconds": report["fit_seconds"],
            "trials": len(report["trials"]), "peak_memory_mb": report["peak_memory_mb"],
            "n": found["gini"]["n"], "events": found["gini"]["events"],
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    # what the report has no number for (an interval of one event) is NaN
    frame = frame.astype(dict.fromkeys(NUMBERS, float))
    return frame.sort_values("gini", ascending=False, ignore_index=True)


def join_predictions(runs: Sequence[Run], sample: str) -> pd.DataFrame:
    """Return `_loan`, `_date`, `_sample`, `_y` and one column of PDs an experiment, on the rows all have.

    The PDs are those of the first seed: one model, as it would be deployed.
    """
    joined: pd.DataFrame | None = None
    for run in runs:
        part = run.predictions()
        part = part.loc[part["_sample"] == sample, [*KEYS, str(run.config.seeds[0])]]
        part = part.set_axis([*KEYS, run.config.name], axis=1)
        if joined is None:
            joined = part
            continue
        joined = joined.merge(part.drop(columns=["_sample", "_y"]), on=["_loan", "_date"], how="inner")
    if joined is None or joined.empty:
        raise HypothecError(f"no finished experiments with rows of the {sample} sample to compare")
    return joined


def differences(runs: Sequence[Run], against: str, sample: str) -> pd.DataFrame:
    """Return the paired differences of Gini, log loss and Brier score of every experiment from `against`.

    Rows as `analytics.performance.compute_paired_differences` gives them: champion (that is `against`), challenger,
    metric, difference, low, high, p_value, verdict, … Both see the same rows; intervals are clustered by loan.
    """
    names = [run.config.name for run in runs]
    if against not in names:
        raise HypothecError(
            f"no finished experiment {against!r} to compare with; there are {', '.join(names) or 'none'}"
        )
    table = join_predictions(runs, sample)
    scores = {name: table[name].to_numpy() for name in names}
    return compute_paired_differences(
        table["_y"].to_numpy(), scores, champion=against, cluster=table["_loan"].to_numpy(), metrics=PAIRED
    )

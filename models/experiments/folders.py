"""An experiment's folder: config.json → trials.log → predictions → report.json → DONE, written in this order.

A run that was killed keeps its finished trials; the seeds are fitted again. What is DONE is never made again.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from models.experiments.config import ExperimentConfig, build_config
from portfolio.atomic import replace_file, write_text
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

FOLDER = "experiments"
DONE = "DONE"
KEYS = ("_loan", "_date", "_sample", "_y")


@dataclass(frozen=True)
class Run:
    """An experiment as a portfolio's folder holds it; `report` is {} until it is done."""

    folder: Path
    config: ExperimentConfig
    report: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether the experiment ended."""
        return bool(self.report)

    def predictions(self) -> pd.DataFrame:
        """Return `_loan`, `_date`, `_sample`, `_y` and one column of PDs a seed ("0", "1", …)."""
        return pd.read_parquet(self.folder / "predictions.parquet")


def root_of(portfolio: Portfolio) -> Path:
    """Return where a portfolio's experiments lie."""
    return portfolio.root / FOLDER


def open_folder(portfolio: Portfolio, config: ExperimentConfig, data_hash: str, *, again: bool) -> Path:
    """Return the experiment's folder, ready to be filled; HypothecError where it holds another experiment."""
    folder = root_of(portfolio) / config.name
    written = {"config": config.to_json(), "data_sha256": data_hash}
    file = folder / "config.json"
    if again:
        file.unlink(missing_ok=True)  # first: a folder without it is rubbish, also if deleting the rest is killed
    if folder.exists() and not file.exists():
        shutil.rmtree(folder)
    if file.exists():
        former = json.loads(file.read_text(encoding="utf-8"))
        changed = [key for key in written if json.loads(json.dumps(written[key])) != former.get(key)]
        if changed:
            what = "data" if changed == ["data_sha256"] else "configuration"
            raise HypothecError(
                f"the experiment {config.name!r} was begun with another {what}; give it another name, or run it --again"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(file, json.dumps(written, indent=1, ensure_ascii=False))
    return folder


def write_report(folder: Path, report: dict[str, Any], predictions: pd.DataFrame) -> None:
    """Write predictions, report and DONE, in this order."""
    with replace_file(folder / "predictions.parquet") as temporary:
        predictions.to_parquet(temporary, index=False)
    write_text(folder / "report.json", json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False))
    write_text(folder / DONE, report["finished"] + "\n")


def list_runs(portfolio: Portfolio) -> list[Run]:
    """Return the portfolio's experiments by name; one that was killed is there without its report."""
    found = []
    for file in sorted(root_of(portfolio).glob("*/config.json")):
        body = json.loads(file.read_text(encoding="utf-8"))
        config = build_config(body["config"], where=str(file))
        report = file.parent / "report.json"
        done = (file.parent / DONE).exists() and report.exists()
        found.append(Run(file.parent, config, json.loads(report.read_text(encoding="utf-8")) if done else {}))
    return found

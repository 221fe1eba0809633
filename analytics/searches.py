"""How experiments learnt: losses by epoch, the course of a search for settings and what it tried."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd


def list_epochs(histories: Mapping[int, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the losses by epoch of the seeds that have any: seed, epoch (from 1), loss, val_loss, best.

    `best` marks the epoch that the seed stopped at. A loss that is not known is NaN.
    """
    rows = []
    for seed, history in histories.items():
        losses, later = list(history.get("loss", ())), list(history.get("val_loss", ()))
        for place in range(max(len(losses), len(later))):
            own, other = (part[place] if place < len(part) else None for part in (losses, later))
            rows.append((seed, place + 1, own, other, place + 1 == history.get("best_epoch")))
    frame = pd.DataFrame(rows, columns=["seed", "epoch", "loss", "val_loss", "best"])
    return frame.astype({"loss": float, "val_loss": float})


def scale_losses(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` (name, seed, epoch, loss, val_loss, …) with losses as multiples of where each began.

    What each seed's later period (its own rows, where there is none) lost after the first epoch is 1: architectures
    that minimise different things, such as a year's outcome or each month's, share one axis.
    """
    ordered = frame.sort_values("epoch", kind="stable")
    begun = ordered["val_loss"].fillna(ordered["loss"]).groupby([ordered["name"], ordered["seed"]]).transform("first")
    return frame.assign(loss=frame["loss"] / begun, val_loss=frame["val_loss"] / begun)


def follow_search(trials: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the trials in their order: number, state, log_loss, best (so far, of complete ones), seconds, leads.

    `leads` is True where a complete trial is better than all before it. Trials still running are left out.
    """
    rows = [{key: trial[key] for key in ("number", "state", "log_loss", "seconds")} for trial in trials]
    frame = pd.DataFrame(rows, columns=["number", "state", "log_loss", "seconds"])
    frame = frame[~frame["state"].isin(["running", "waiting"])].sort_values("number", ignore_index=True)
    frame = frame.astype({"log_loss": float, "seconds": float})
    complete = frame["log_loss"].where(frame["state"] == "complete")
    before = complete.cummin().ffill()
    leads = complete.notna() & ~(complete >= before.shift().fillna(np.inf))
    return frame.assign(best=before, leads=leads)


def tabulate_settings(trials: Sequence[Mapping[str, Any]], space: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a judged trial and parameter: number, state, log_loss, parameter, shown, place.

    `shown` is the value in words; `place` lies between 0 and 1 along the parameter's range in `space`, by
    logarithm where it is searched so; choices are spread evenly. Trials without a log loss are left out.
    """
    rows = []
    for trial in trials:
        if trial["log_loss"] is None:
            continue
        for name, entry in space.items():
            if name not in trial["settings"]:
                continue
            value = trial["settings"][name]
            rows.append((trial["number"], trial["state"], float(trial["log_loss"]), name, say_setting(value),
                         _place(value, entry)))  # fmt: skip
    return pd.DataFrame(rows, columns=["number", "state", "log_loss", "parameter", "shown", "place"])


def mark_axes(space: Mapping[str, Mapping[str, Any]]) -> dict[str, list[tuple[float, str]]]:
    """Return the places and words that stand along each parameter's axis: every choice, or both ends of a range.

    >>> mark_axes({"reader": {"choices": ["gru", "lstm"]}, "C": {"low": 0.01, "high": 10.0, "log": True}})
    {'reader': [(0.0, 'gru'), (1.0, 'lstm')], 'C': [(0.0, '0.01'), (1.0, '10')]}
    """
    return {
        name: [(_place(value, entry), say_setting(value)) for value in entry.get("choices", _ends(entry))]
        for name, entry in space.items()
    }


def _ends(entry: Mapping[str, Any]) -> list[Any]:
    return [entry[key] for key in ("low", "high") if key in entry]


def say_setting(value: Any) -> str:
    """Return a setting's value in words.

    >>> say_setting([64, 32]), say_setting(0.00123456), say_setting("gru"), say_setting(12), say_setting(True)
    ('64, 32', '0.00123', 'gru', '12', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(say_setting(item) for item in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _place(value: Any, entry: Mapping[str, Any]) -> float:
    if "choices" in entry:
        choices = [json.dumps(item) for item in entry["choices"]]
        return choices.index(json.dumps(value)) / max(1, len(choices) - 1) if len(choices) > 1 else 0.5
    low, high, here = float(entry["low"]), float(entry["high"]), float(value)
    if entry.get("log"):
        low, high, here = np.log(low), np.log(high), np.log(here)
    return float((here - low) / (high - low))

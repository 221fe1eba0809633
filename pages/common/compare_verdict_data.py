"""What the verdict on each challenger rests on: differences, calibration, segments, stability and the policy."""

import dataclasses

import pandas as pd

from analytics.verdict import Rules, Verdict, judge_challenger
from pages.common import cached, compare_slices, cost_data, model_data
from pages.common.cached import remember
from portfolio.policy import Comparison, load_policy
from portfolio.selection import Selection


def policy(selection: Selection) -> Comparison:
    """Return what the portfolio's policy asks of a challenger; HypothecError where its file is wrong."""
    return load_policy(cached.portfolio(selection)).comparison


def segment_differences(selection: Selection, sample: str) -> pd.DataFrame | None:
    """Return every challenger's difference by segment (`compare_slices`); None where no field parts the sample."""
    return compare_slices.differences(selection, sample) if compare_slices.fields(selection, sample) else None


@remember
def verdicts(selection: Selection, sample: str) -> dict[str, Verdict]:
    """Return the verdict on every challenger by reference; empty without a champion or a challenger."""
    views = model_data.models(selection)
    if len(views) < 2 or not any(view.is_champion for view in views):
        return {}
    asked = dataclasses.asdict(policy(selection))
    rules = Rules(**{item.name: asked[item.name] for item in dataclasses.fields(Rules)})
    metrics, differences = model_data.metrics(selection, sample), model_data.differences(selection, sample)
    by_segment = segment_differences(selection, sample)
    found = {}
    for view in views:
        if view.is_champion:
            continue
        deviation, reason = cost_data.stability(selection, view.ref)
        found[view.ref] = judge_challenger(
            differences[differences["challenger"] == view.ref],
            metrics[metrics["model"] == view.ref],
            rules,
            segments=None if by_segment is None else by_segment[by_segment["challenger"] == view.ref],
            stability=deviation,
            stability_reason=reason,
        )
    return found

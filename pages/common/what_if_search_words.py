"""The smallest actionable change put into words: what may be tried, and what was found."""

import numpy as np

from analytics.counterfactual import ACTIONABLE, Counterfactual, Option
from analytics.words import format_list, format_share
from pages.common import what_if_data
from pages.common.what_if_words import Loan

TRIED = 24  # values of a number that are tried before the search refines them


def list_actionable(loan: Loan) -> dict[str, str]:
    """Return field → direction that somebody can bring about: as the schema says, else by the field's meaning."""
    words = loan.words
    names = what_if_data.meanings(words.selection, words.refs)
    meaning_of = {name: meaning for meaning, name in names.items()}
    found = {}
    for item in what_if_data.fields(words.selection, words.refs):
        meaning = meaning_of.get(item.name, "")
        # Where the exposure can move, loan-to-value follows it; the property's value is nobody's to change.
        follows = meaning == "ltv" and "exposure" in names
        direction = item.actionable or ("" if follows else ACTIONABLE.get(meaning, ""))
        if direction not in ("", "no"):
            found[item.name] = direction
    return found


def list_options(loan: Loan) -> list[Option]:
    """Return what may be changed of a loan, with the values to try, within plausible ranges."""
    words, found = loan.words, []
    spreads = what_if_data.spreads(words.selection, words.refs, words.key)
    for name, direction in list_actionable(loan).items():
        control, spread = loan.control(name), spreads.get(name)
        if control is None or spread is None or control.value is None:
            continue
        if control.options:
            found.append(Option(name, tuple(value for value in control.options if value != control.value)))
            continue
        low = control.value if direction == "up" else control.low
        high = control.value if direction == "down" else control.high
        grid = np.linspace(low, high, TRIED)
        kept = np.unique(np.round(grid)) if control.whole else grid
        values = tuple(float(value) for value in kept if value != control.value)
        if values:
            usual = spread.ends[what_if_data.USUAL]
            found.append(Option(name, values, usual[1] - usual[0] or 1.0, control.whole))
    return found


def describe_actionable(loan: Loan) -> str:
    """Return which fields the search may change and in which direction."""
    said = {"up": " upwards", "down": " downwards", "any": ""}
    fields = [f"{loan.words.feature_labels[name]}{said[way]}" for name, way in list_actionable(loan).items()]
    return format_list(fields) or "no field"


def search(loan: Loan, ref: str, threshold: float) -> Counterfactual:
    """Return the smallest change that brings a model's PD of the recorded loan below `threshold`."""
    words = loan.words
    options = tuple(list_options(loan))
    return what_if_data.smallest_change(words.selection, words.refs, ref, words.key, loan.id, options, threshold)


def describe_search(loan: Loan, ref: str, threshold: float, found: Counterfactual) -> list[str]:
    """Return what the search found in sentences."""
    words, label = loan.words, loan.words.labels[ref]
    if found.found and not found.changes:
        return [f"Nothing needs to change: {label} gives {format_share(found.pd)}, below {format_share(threshold)}."]
    steps = [
        f"{words.feature_labels[name]}: {loan.said(name, loan.row[name].iloc[0])} → {loan.said(name, value)}"
        for name, value in found.changes.items()
    ]
    if not found.found:
        fields = format_list([words.feature_labels[item.name] for item in list_options(loan)]) or "no field"
        best = f" The lowest it reaches is {format_share(found.pd)}, with {'; '.join(steps)}." if steps else ""
        return [
            f"None found: no change of {fields} within plausible values brings {label} below "
            f"{format_share(threshold)} ({found.tried:,} changed loans tried).{best}"
        ]
    return [
        *steps,
        f"{label} then gives {format_share(found.pd)}, below {format_share(threshold)}, instead of "
        f"{format_share(found.pd_before)}: asked of the model itself ({found.tried:,} changed loans tried).",
    ]

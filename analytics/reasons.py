"""Why a loan got its PD, in plain sentences."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from analytics.odds import to_factor
from analytics.words import MISSING, format_factor, format_value

NEGLIGIBLE = 0.05  # log-odds: less than a twentieth on the odds is no reason


def describe_reasons(
    contributions: pd.Series,
    values: Mapping[str, Any],
    *,
    typical: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    event: str = "default",
    direction: Literal["raises", "lowers", "both"] = "raises",
    top: int = 4,
) -> list[str]:
    """Return at most `top` sentences, the strongest reason first; none where nothing matters.

    `contributions` holds φ (log-odds) by feature, `values` the loan's values, `typical` the background's
    median or most frequent value; labels and units come from the schema. A φ of ln 1.8 reads "raises the odds
    of default by a factor of 1.8"; one of −ln 1.8 "lowers … by a factor of 1.8".
    """
    sign = {"raises": 1, "lowers": -1}.get(direction)
    phi = contributions.astype(float)
    strong = phi[(phi.abs() >= NEGLIGIBLE) if sign is None else (phi * sign >= NEGLIGIBLE)]
    sentences = []
    for name in strong.abs().sort_values(ascending=False, kind="stable").index[:top]:
        value, unit = values.get(name), (units or {}).get(name, "")
        shown, usual = format_value(value, unit), format_value((typical or {}).get(name), unit)
        joint = ": " if isinstance(value, str) or shown == MISSING else " of "
        effect = _describe_effect(float(phi[name]), event)
        tail = f"; typical is {usual}" if usual not in (MISSING, shown) else ""
        sentences.append(f"{(labels or {}).get(name, name)}{joint}{shown} {effect}{tail}")
    return sentences


def _describe_effect(phi: float, event: str) -> str:
    verb = "raises" if phi > 0 else "lowers"
    return f"{verb} the odds of {event} by a factor of {format_factor(to_factor(abs(phi)))}"

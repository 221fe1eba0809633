"""Why a loan got its PD: reason codes, the groups of fields that raise it or lower it, in plain sentences."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from analytics.odds import to_factor
from analytics.words import MISSING, format_factor, format_value

NEGLIGIBLE = 0.05  # log-odds: less than a twentieth on the odds is no reason
LEADING = 2  # fields that a group's reason names


@dataclass(frozen=True)
class Reason:
    """One reason: the group's name, its φ (log-odds), the fields in it that count most, and the sentence."""

    group: str
    phi: float
    fields: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Vocabulary:
    """How fields are told: by field, the group it belongs to, what is typical, label and unit; and the event's name."""

    groups: Mapping[str, str]
    typical: Mapping[str, Any]
    labels: Mapping[str, str]
    units: Mapping[str, str]
    event: str = "default"


def list_reasons(
    contributions: pd.Series,
    values: Mapping[str, Any],
    words: Vocabulary,
    *,
    direction: Literal["raises", "lowers"] = "raises",
    top: int = 4,
) -> list[Reason]:
    """Return at most `top` reasons, the strongest first; none where nothing moves the odds enough that way.

    `contributions` holds φ (log-odds) by feature, `values` the loan's values. Correlated fields are one reason: the φ
    of a group's features are added up *before* they are ranked, so that a field which another of its group cancels is
    no reason. A reason names the fields of its group that move the odds its way by themselves, the strongest first, two
    at most, each with its value and what is typical. A φ of ln 1.8 "raises the odds of default by a factor of 1.8",
    one of −ln 1.8 "lowers" them by a factor of 1.8.
    """
    phi = contributions.astype(float) * (1 if direction == "raises" else -1)
    found = []
    for group, own in phi.groupby([words.groups.get(str(name)) or str(name) for name in phi.index], sort=False):
        if (size := math.fsum(own)) >= NEGLIGIBLE:
            helping = own[own >= NEGLIGIBLE].sort_values(ascending=False, kind="stable").index[:LEADING]
            fields = tuple(str(name) for name in (helping if len(helping) else [own.idxmax()]))
            effect = f"{direction} the odds of {words.event} by a factor of {format_factor(to_factor(size))}"
            said = _say(str(group), effect, [_tell(name, values, words) for name in fields], alone=len(own) == 1)
            found.append(Reason(str(group), size if direction == "raises" else -size, fields, said))
    return sorted(found, key=lambda reason: -abs(reason.phi))[:top]


def _say(group: str, effect: str, told: list[str], *, alone: bool) -> str:
    return f"{told[0]} {effect}" if alone else f"{group[:1].upper()}{group[1:]} {effect}: {'; '.join(told)}"


def _tell(name: str, values: Mapping[str, Any], words: Vocabulary) -> str:
    """Return a field with its value and, where it differs, what is typical; a value "" is not told."""
    value, unit = values.get(name), words.units.get(name, "")
    shown, usual = format_value(value, unit), format_value(words.typical.get(name), unit)
    if shown == "":  # a history: its label says all there is to say in a word
        return words.labels.get(name, name)
    joint = ": " if isinstance(value, str) or shown == MISSING else " of "
    tail = f" (typical: {usual})" if usual not in (MISSING, shown) else ""
    return f"{words.labels.get(name, name)}{joint}{shown}{tail}"

"""Traffic lights: a value against two limits of the bank's policy, as word and symbol.

The supervisor's instructions set no limits (ECB, Instructions for reporting the validation results of internal
models, February 2019), so none are set here: every limit is passed in.
"""

import math
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["green", "amber", "red", "not run"]

# A symbol beside the word, each of its own shape: colour alone is not read by everyone, nor in print.
SYMBOLS: dict[Outcome, str] = {"green": "●", "amber": "▲", "red": "■", "not run": "○"}


@dataclass(frozen=True)
class Limits:
    """Where amber begins and where red begins, in the unit of what is judged (a p-value, an index)."""

    amber: float
    red: float


def judge_low(value: float, limits: Limits) -> Outcome:
    """Return the light of a value of which little is bad, such as a p-value: red below `red`, amber below `amber`.

    A value that is not known is "not run". Raises ValueError unless red <= amber, both finite.

    >>> judge_low(0.2, Limits(0.05, 0.01)), judge_low(0.05, Limits(0.05, 0.01)), judge_low(0.009, Limits(0.05, 0.01))
    ('green', 'green', 'red')
    """
    if not (math.isfinite(limits.amber) and math.isfinite(limits.red) and limits.red <= limits.amber):
        raise ValueError(f"where little is bad, limits need red <= amber, got red {limits.red}, amber {limits.amber}")
    if math.isnan(value):
        return "not run"
    return "red" if value < limits.red else "amber" if value < limits.amber else "green"


def judge_high(value: float, limits: Limits) -> Outcome:
    """Return the light of a value of which much is bad, such as a PSI: red above `red`, amber above `amber`.

    A value that is not known is "not run". Raises ValueError unless amber <= red, both finite.

    >>> judge_high(0.3, Limits(0.1, 0.25)), judge_high(0.25, Limits(0.1, 0.25)), judge_high(0.1, Limits(0.1, 0.25))
    ('red', 'amber', 'green')
    """
    if not (math.isfinite(limits.amber) and math.isfinite(limits.red) and limits.amber <= limits.red):
        raise ValueError(f"where much is bad, limits need amber <= red, got amber {limits.amber}, red {limits.red}")
    if math.isnan(value):
        return "not run"
    return "red" if value > limits.red else "amber" if value > limits.amber else "green"


def show_light(outcome: Outcome) -> str:
    """Return symbol and word.

    >>> show_light("amber")
    '▲ amber'
    """
    return f"{SYMBOLS[outcome]} {outcome}"

"""What the what-if page knows of a portfolio's models and of one loan: what may be changed, and within what."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.words import format_list, format_share, format_value
from pages.common import what_if_data
from pages.common.model_data import scored_keys
from pages.common.shell import View, describe_filters, plain
from portfolio.schema import Field

OFFERED = ("income", "exposure", "ltv", "debt_service", "rate", "days_past_due", "unemployment", "employment")
FIRST = 6
WIDER = 0.25  # a slider goes this share of the usual range beyond it, so that the unusual can be tried


@dataclass(frozen=True)
class Control:
    """How a field is edited: a slider from `low` to `high`, or a choice among `options` if there are any."""

    name: str
    label: str
    value: Any
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    whole: bool = False
    format: str | None = None
    options: tuple[str, ...] = ()
    help: str = ""


class LoanWords:
    """What the page says of one portfolio's loans and models."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.models = what_if_data.usable_models(self.selection)
        self.refs = tuple(item.ref for item in self.models)
        self.key = max(self._common_keys(), default="")
        self.labels = {item.ref: item.label for item in self.models}
        self.colours = {item.ref: item.colour for item in self.models}
        self.feature_labels = {item.name: item.label for item in self.schema.fields}

    def left_out(self) -> str:
        """Return which models are not asked because they read histories, "" where there is none."""
        names = what_if_data.history_readers(self.selection) if self.schema.with_role("target") else []
        if not names:
            return ""
        one = len(names) == 1
        return (
            f"{format_list(names)} {'is' if one else 'are'} left out: {'it reads' if one else 'they read'} the months "
            f"up to the date one by one, and a changed {self.schema.subject} has no such history."
        )

    def _common_keys(self) -> set[str]:
        every = [set(scored_keys(self.selection, ref)) for ref in self.refs]
        return set.intersection(*every) if every else set()

    def problem(self) -> tuple[str, str] | None:
        """Return why nothing can be tried and the way on, or None."""
        name = plain(self.selection.portfolio)
        train = (
            f"`python cli.py train --portfolio {name}` trains models, `python cli.py score --portfolio {name}` scores."
        )
        if not self.schema.with_role("target"):
            return (
                "This portfolio has no outcome, hence no models to ask.",
                "Give a field the role target in schema.toml.",
            )
        if not self.models:
            return (
                "No model here can rate a changed loan: there are none, or only columns of predictions, which have no "
                f"model behind them. {plain(self.left_out())}".strip(),
                train,
            )
        if not self.key:
            return "The models have scored no snapshot in common.", train
        if not self.examples():
            return (
                f"No {self.schema.subject} of the snapshot {self.key} matches {plain(describe_filters(self.view))}.",
                "Take a filter away, or press *Clear all filters* in the sidebar.",
            )
        return None

    @property
    def lead(self) -> str:
        """The champion, or the first model."""
        return next((item.ref for item in self.models if item.is_champion), self.refs[0])

    @property
    def when(self) -> str:
        """The snapshot in words."""
        return f"snapshot {self.key}" if self.key != "all" else "all loans"

    def versions(self) -> str:
        """Return the model versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in self.models)

    def examples(self) -> dict[str, str]:
        """Return loans worth a look: label → id."""
        return what_if_data.examples(self.selection, self.lead, self.key)

    def loan(self, loan_id: str) -> "Loan | None":
        """Return the loan, or None where the snapshot has none of that id within the filters."""
        known = what_if_data.has_loan(self.selection, self.key, loan_id)
        return Loan(self, loan_id) if known else None

    def offered(self) -> list[Field]:
        """Return the fields that can be edited: what the models read, but for what only follows from other fields."""
        names = what_if_data.meanings(self.selection, self.refs)
        bound = {names["lti"]} if {"lti", "income", "exposure"} <= set(names) else set()
        return [item for item in what_if_data.fields(self.selection, self.refs) if item.name not in bound]

    def first_offered(self) -> list[str]:
        """Return the fields that are there to be edited before any is chosen."""
        offered = [item.name for item in self.offered()]
        names = what_if_data.meanings(self.selection, self.refs)
        usual = [names[meaning] for meaning in OFFERED if names.get(meaning) in offered]
        return (usual + [name for name in offered if name not in usual])[:FIRST]


class Loan:
    """One loan of the snapshot and what can be done with it."""

    def __init__(self, words: LoanWords, loan_id: str) -> None:
        self.words, self.id = words, loan_id
        self.row = what_if_data.loan(words.selection, words.refs, words.key, loan_id)
        self.before = {ref: float(what_if_data.pds(words.selection, ref, self.row)[0]) for ref in words.refs}

    @functools.cached_property
    def is_rare(self) -> bool:
        """Whether the loan as recorded is outside the training range by its numbers together."""
        return what_if_data.is_rare(self.words.selection, self.words.refs, self.row)

    def control(self, name: str) -> Control | None:
        """Return how a field is edited; None where no loan of the snapshot has a value of it."""
        item, words = self.words.schema.get(name), self.words
        spread = what_if_data.spreads(words.selection, words.refs, words.key).get(name)
        if spread is None:
            return None
        value, unit = self.row[name].iloc[0], "" if item.unit in ("", "share") else f", {item.unit}"
        label = item.label if item.unit and item.unit in item.label.lower() else f"{item.label}{unit}"
        if spread.categories:
            options = tuple(dict.fromkeys([*item.categories, *spread.categories]))
            return Control(name, label, None if pd.isna(value) else str(value), options=options, help=item.description)
        number = None if pd.isna(value) else float(value)
        low, high, step = _limits(item, spread.ends[what_if_data.SLIDER], number, whole=spread.whole)
        shown = "percent" if item.unit == "share" else "compact" if high >= 1000 else "%.0f" if spread.whole else None
        return Control(name, label, number, low, high, step, spread.whole, shown, help=item.description)

    def said(self, name: str, value: Any) -> str:
        """Return a field's value with its unit."""
        return format_value(value, self.words.schema.get(name).unit)

    def recorded(self) -> str:
        """Return the loan's recorded PDs in one sentence."""
        risks = ", ".join(f"{format_share(self.before[ref])} ({self.words.labels[ref]})" for ref in self.words.refs)
        return f"{self.words.schema.subject.capitalize()} {self.id}: recorded PD {risks}"


def _limits(item: Field, ends: tuple[float, float], value: float | None, *, whole: bool) -> tuple[float, float, float]:
    """Return a slider's ends and step: 1 to 99 % of the book and a quarter more, within the schema's own limits."""
    low, high = ends
    room = 0.0 if whole and high - low < 5 else WIDER * (high - low)  # yes or no has nothing beyond
    found = [max(low - room, low / 2) if low > 0 else low - room, high + room, *([] if value is None else [value])]
    bottom, top = min(found), max(found)
    if item.minimum is not None:
        bottom = max(bottom, item.minimum)
    elif low >= 0:
        bottom = max(bottom, 0.0)
    top = min(top, item.maximum) if item.maximum is not None else top
    span = max(top - bottom, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / 100))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= span / 100 * 0.999)
    step = max(1.0, float(round(step))) if whole else step
    bottom, top = math.floor(bottom / step + 1e-9) * step, math.ceil(top / step - 1e-9) * step
    if item.minimum is not None:
        bottom = max(bottom, item.minimum)
    if item.maximum is not None:
        top = min(top, item.maximum)
    return float(f"{bottom:.10g}"), float(f"{max(top, bottom + step):.10g}"), float(f"{step:.10g}")

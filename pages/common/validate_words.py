"""The validate page put into words: what is validated, the opinion and its reasons, how each test is computed."""

import pandas as pd

from analytics.lights import SYMBOLS, Outcome, show_light
from analytics.opinion import Opinion
from analytics.words import format_list, format_number
from pages.common import cached, model_data, validate_data, validate_findings
from pages.common.provenance import describe_model
from pages.common.shell import View
from pages.common.validate_data import LEARNT, Asked
from portfolio.workspace import UNDATED

SECTIONS = ("Calibration", "Discrimination", "Stability", "Exclusions", "Long run", "LGD")
LEVELS: dict[int | None, Outcome] = {1: "green", 2: "amber", 3: "red", 4: "red", None: "not run"}
COLOURS: dict[Outcome, str] = {"green": "green", "amber": "orange", "red": "red", "not run": "gray"}


class Words:
    """What the page says of one model at one date."""

    def __init__(self, view: View, model: model_data.ModelView, key: str) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.model, self.key = model, key
        self.asked = Asked(view.selection, model.ref, key)
        self.args = (view.selection, model.ref, key)
        self.criteria = validate_data.policy(view.selection)

    def opinion(self) -> Opinion:
        """Return the opinion; ValueError where there is no master scale."""
        return validate_findings.opinion(*self.args)

    def verdict(self) -> tuple[str, str]:
        """Return the opinion's light as Markdown, and the sentence beside it."""
        found = self.opinion()
        light = LEVELS[found.level]
        if found.level is None:
            return f":gray-badge[{SYMBOLS[light]} {found.word}]", "No test could be run"
        badge = f":{COLOURS[light]}-badge[{SYMBOLS[light]} {found.level} of 4]"
        return badge, f"Proposed opinion: {found.word}. {self._count(found)}"

    def _count(self, found: Opinion) -> str:
        counts = {name: sum(item.outcome == name for item in found.findings) for name in SYMBOLS}
        parts = [f"{counts[name]} {name}" for name in SYMBOLS if counts[name]]
        return f"{format_list(parts)} of {len(found.findings)} tests"

    def reasons(self) -> list[str]:
        """Return the opinion's reasons, the first one being the rule itself."""
        return list(self.opinion().reasons)

    def findings_table(self) -> pd.DataFrame:
        """Return every test with its light and what it found, worst first, those not run last."""
        order: dict[Outcome, int] = {"red": 0, "amber": 1, "green": 2, "not run": 3}
        found = sorted(self.opinion().findings, key=lambda item: order[item.outcome])
        rows = [(item.test, show_light(item.outcome), item.reason) for item in found]
        return pd.DataFrame(rows, columns=["Test", "Light", "Found"])

    def not_run(self) -> list[str]:
        """Return each test that was not run, with why."""
        return [f"{item.test}: {item.reason}" for item in self.opinion().not_run]

    def window(self) -> str:
        """Return the date and outcome window validated, and how many loans."""
        if self.key == UNDATED:
            return f"{self.schema.subject}s that the model has not learnt from"
        months = self.schema.horizon_months or 12
        end = pd.Timestamp(self.key) + pd.DateOffset(months=months) + pd.offsets.MonthEnd(0)
        return f"{self.schema.subject}s on {self.key}, {self.schema.event} by {end:%Y-%m-%d}"

    def yearly(self) -> str:
        """Return the dates that were pooled or averaged over."""
        dates = validate_data.years(*self.args)
        return f"{dates[0]} to {dates[-1]}, every 12 months, {len(dates)} dates" if len(dates) > 1 else dates[0]

    def basis(self) -> list[str]:
        """Return what grades are: the scale, the loans that it was built on, and what is odd about it."""
        scale = validate_data.scale(self.asked)
        keys = validate_data.scale_keys(*self.args)
        where = "the loans that the model learnt from" if self.key == UNDATED else f"loans of {self._dates(keys)}"
        count = f"{len(scale.grades)} grades on {format_number(sum(scale.n))} {self.schema.subject}s"
        said = [f"Master scale: {scale.rule}; {count}, {where}. A grade's PD is the mean PD of its loans."]
        if scale.notes:
            said.append(f"The scale: {'; '.join(scale.notes)}.")
        return said

    def warnings(self) -> list[str]:
        """Return what makes the tests of this date milder than they should be."""
        if self.key == UNDATED:
            return []
        said = []
        if self.key in validate_data.scale_keys(*self.args):
            said.append(
                "The master scale was built on the very loans that are validated: no earlier outcomes were known."
            )
        seen = validate_data.rows(*self.args)["sample"]
        if (seen == LEARNT).any():
            share = (seen == LEARNT).mean()
            said.append(f"The model learnt from {share:.0%} of these rows: choose a later date to judge it fairly.")
        return said

    def _dates(self, keys: tuple[str, ...]) -> str:
        return keys[0] if len(keys) == 1 else f"{len(keys)} dates a year apart, {keys[0]} to {keys[-1]}"

    def ratings(self) -> str:
        """Return what a rating is here."""
        return (
            f"Rating: the PD of {describe_model(self.model)} at the date, on the master scale; no floor, margin or "
            f"override is added. Limits: {self.criteria.source}. Opinion by the points of the policy; a person decides."
        )

    def scale_sentence(self) -> str:
        """Return the rule of the policy in words."""
        rule = self.criteria.opinion
        return (
            f"Points: amber {rule.amber:g}, red {rule.red:g}; minor deficiencies begin at {rule.minor:g}, major at "
            f"{rule.major:g}, severe ones at {rule.severe:g}. The supervisor sets no limits: all are the policy's."
        )


def validated_models(view: View) -> tuple[model_data.ModelView, ...]:
    """Return the models that have scored dates with known outcomes, champion first."""
    if not cached.portfolio(view.selection).schema.with_role("target"):
        return ()
    return tuple(item for item in model_data.models(view.selection) if validate_data.keys(view.selection, item.ref))

"""The overview's alerts in words: what needs a look, on which page, and what was checked."""

import datetime
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analytics.alerts import (
    SEVERITY,
    Judgement,
    Level,
    Limits,
    judge_age,
    judge_calibration,
    judge_change,
    judge_level,
    judge_limit,
)
from analytics.words import format_factor, format_list, format_month, format_share
from pages.common import cached, model_data, overview_data, quality_data
from pages.common.concentration_words import ConcentrationWords
from pages.common.quality_words import RECENT, describe_incident
from pages.common.shell import View
from portfolio.monthly_profile import PROFILE
from portfolio.workspace import UNDATED

Colour = Literal["red", "orange", "green"]
MOST = 5
INCIDENTS = 2  # of the data, the others are on their own page
OVERVIEW, VINTAGES, COMPARE = "pages/portfolio/overview.py", "pages/portfolio/vintages.py", "pages/models/compare.py"
QUALITY = "pages/portfolio/quality.py"
# What a level is called, its symbol and its colour: never the colour alone.
SIGNS: dict[Level, tuple[str, str, Colour]] = {
    "act": ("Act", ":material/error:", "red"),
    "watch": ("Watch", ":material/warning:", "orange"),
    "": ("Clear", ":material/check_circle:", "green"),
}


@dataclass(frozen=True)
class Alert:
    """One thing that needs a look: how much, in one sentence, and the page that explains it."""

    level: Level
    sentence: str
    page: str
    more: str


class AlertWords:
    """The alerts of one selection, measured against `limits`, as of `today`."""

    def __init__(
        self, view: View, limits: Limits, concentration: ConcentrationWords, today: datetime.date | None = None
    ) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.concentration = concentration
        self.limits, self.today = limits, today or datetime.datetime.now(datetime.UTC).date()
        self.dates = overview_data.dates(self.selection)
        self.checked: list[str] = []
        self.found = self._look()

    def alerts(self) -> list[Alert]:
        """Return at most five alerts, those to act on first."""
        return self.found[:MOST]

    def describe_rest(self) -> str:
        """Return what was checked, and how much more was found than is shown."""
        more = f"{len(self.found) - MOST} more not shown. " if len(self.found) > MOST else ""
        return f"{more}Checked: {format_list(self.checked)}." if self.checked else more

    def _look(self) -> list[Alert]:
        checks = (self._arrears, self._rate, self._model, self._calibration, self._concentration, self._age)
        found = [alert for check in checks for alert in check() if alert.level]
        return sorted(found, key=lambda alert: SEVERITY[alert.level])

    def _arrears(self) -> list[Alert]:
        if self.schema.kind != "history":
            return []
        months = cached.by_month(self.selection)
        judged = judge_level(months, events="in_arrears_30", n="loans", limits=self.limits)
        if judged is None:
            return []
        self.checked.append("arrears against their last two years")
        sentence = (
            f"Arrears of 30 days or more are {format_share(judged.value)}, the highest of {self.limits.history} months "
            f"and above their usual range (median {format_share(judged.reference)})."
        )
        return [Alert(judged.level, sentence, VINTAGES, "Roll rates")]

    def _rate(self) -> list[Alert]:
        change = overview_data.change(self.selection, "default_rate")
        if change is None or change.small:
            return []
        self.checked.append(f"the {self.schema.event} rate against a year before")
        judged = judge_change(change, limits=self.limits)
        sentence = (
            f"The {self.schema.event} rate {self.schema.within} rose from {format_share(judged.reference)} to "
            f"{format_share(judged.value)} within a year: more than chance can do."
        )
        return [Alert(judged.level, sentence, VINTAGES, "Vintages")]

    def _model(self) -> list[Alert]:
        if not self.schema.with_role("target"):
            return []
        self.checked.append("that a champion has scored the latest date")
        name = self.selection.portfolio
        model = overview_data.champion(self.selection)
        if model is None:
            sentence = f"No model has scored this portfolio: python cli.py train and score --portfolio {name} do."
            return [Alert("watch", sentence, COMPARE, "Compare")]
        if self.dates.latest not in ("", *model_data.scored_keys(self.selection, model.ref)):
            sentence = f"{model.label} has not scored the latest date: python cli.py score --portfolio {name} does."
            return [Alert("act", sentence, COMPARE, "Compare")]
        return []

    def _calibration(self) -> list[Alert]:
        mature = UNDATED if self.dates.latest == UNDATED else self.dates.mature
        if not mature or overview_data.champion(self.selection) is None or mature == UNDATED:
            return []
        then = overview_data.whole(self.selection, mature)
        judged = judge_calibration(then["judged_events"], then["judged_pd"], then["judged"], limits=self.limits)
        if judged is None:
            return []
        self.checked.append("the champion's PDs against what happened")
        return [Alert(judged.level, self._calibration_sentence(judged, then, mature), COMPARE, "Compare models")]

    def _calibration_sentence(self, judged: Judgement, then: pd.Series, mature: str) -> str:
        event, when = self.schema.event, format_month(pd.Timestamp(mature))
        side = "too low" if judged.value > 1 else "too high"
        counts = f"{then['judged_events']:,.0f} {event}s observed, {then['judged_pd']:,.0f} expected"
        return self.view.word(
            f"The model's PDs were {side}: {counts} among the {self.schema.subject}s of {when}.",
            f"Champion's PDs {side} on {when}: O/E {format_factor(judged.value)} "
            f"[{judged.low:.2f}, {judged.high:.2f}], {counts}.",
        )

    def data_alerts(self) -> list[Alert]:
        """Return the most surprising incidents of the last year's data: asked for last, because it takes seconds."""
        portfolio = cached.portfolio(self.selection)
        if not portfolio.has_history or not (portfolio.quality / PROFILE).exists():
            return []
        self.checked.append("the fields of the last year's deliveries")
        found = quality_data.incidents(self.selection)
        found = found[found["kind"].ne("level")]  # a level that moved may be the economy; the quality page shows it
        since = pd.Timestamp(self.dates.latest) - pd.DateOffset(months=RECENT)
        recent = found[pd.to_datetime(found["last"]) > since]
        ordered = recent.loc[recent["z"].abs().sort_values(ascending=False, kind="stable").index]
        room = max(0, min(INCIDENTS, MOST - len(self.found)))
        return [
            Alert("watch", f"Data: {describe_incident(self.schema, row)}.", QUALITY, "Quality")
            for row in ordered.head(room).itertuples()
        ]

    def _concentration(self) -> list[Alert]:
        words, found = self.concentration, []
        region, tops = self.schema.meaning("region"), words.top_shares()
        # A reader who filters to one region knows that the region holds all of it.
        if region is not None and not self.selection.where and region.name in words.dimensions():
            top = words.table(region.name).iloc[0]
            found.append((f"{top['value']} holds {{}} of the {words.amount}", top["share"], self.limits.largest_region))
            self.checked.append("the largest region")
        if pd.notna(above := words.high_ltv(1.0)):
            found.append((f"{{}} of the {words.amount} is above 100 % loan-to-value", above, self.limits.above_100))
            self.checked.append("loans above their property's value")
        own = tops[(tops["who"] == f"{self.schema.subject}s") & (tops["top"] == 20)]
        if len(own) and not self.selection.where:
            name = f"The 20 largest {self.schema.subject}s hold {{}} of the exposure"
            found.append((name, own["share"].iloc[0], self.limits.top_20))
            self.checked.append("the 20 largest exposures")
        return [
            Alert(
                judge_limit(share, limit).level,
                f"{text.format(format_share(share))}, over the limit of {format_share(limit)}.",
                OVERVIEW,
                "Concentration below",
            )
            for text, share, limit in found
        ]

    def _age(self) -> list[Alert]:
        if self.dates.latest in ("", UNDATED) or self.schema.synthetic:  # an invented book is of no date
            return []
        self.checked.append("how old the data are")
        judged = judge_age(datetime.date.fromisoformat(self.dates.latest), self.today, limits=self.limits)
        when = format_month(pd.Timestamp(self.dates.latest))
        sentence = f"The data end in {when}, {judged.value:,.0f} days ago: nothing here is about the present."
        return [Alert(judged.level, sentence, QUALITY, "Quality")]

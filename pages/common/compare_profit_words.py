"""What a ranking is worth put into words: profit and costs at the parameters given, benefit of acting, H-measure."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analytics.figures.profit import plot_cost_curve, plot_cutoff_costs, plot_decision_curve, plot_worth
from analytics.words import format_factor, format_interval, format_money, format_p_value, format_share
from pages.common import compare_data
from pages.common.compare_data import Price
from pages.common.compare_pair import bare
from pages.common.compare_words import Words
from pages.common.show import Definition

MILLION = 1e6
EMP = (
    "Rejecting a default saves the share λ of the loan that it would have lost, rejecting a good loan forgoes its "
    "return. λ is 0 for some defaults, everything for some, and anything between for the rest. At each λ the best "
    "cut-off is taken (Verbraken, Bravo, Weber and Baesens 2014). Against granting all; every loan counts alike "
    "whatever its amount. The best cut-off is found on the same loans, which flatters every model a little."
)
CUTOFF = (
    "At each cut-off: defaults let in at their mean loss plus good loans turned away at their return, a fraction of "
    "the amount of all loans. Dotted: the better of rejecting none or all. Marked: each model's cheapest cut-off."
)
COST = (
    "Cost of errors at every ratio of costs, each model at its best cut-off (Drummond and Holte 2006). To the right "
    "the defaults weigh more. Below the dotted roof a model is worth having; who is lower is better there."
)
DECISION = (
    "Net benefit of acting (rejecting, calling, watching) at a PD and above: defaults found less false alarms, these "
    "weighted with the odds of the PD at which you would act (Vickers and Elkin 2006). It uses the level of the PDs: a "
    "model whose PDs are too high or low loses here although it ranks well."
)
H = (
    "The share of the loss from errors that a ranking saves when their costs are uncertain but distributed alike for "
    "all models: cost share of a false alarm ~ Beta(2, 1 + 1/SR) (Hand 2009; package hmeasure 2012). SR is the cost of "
    "a false alarm over that of a missed default."
)
EVEN, OWN = "Both groups weigh the same", "Your costs"


class ProfitWords:
    """What one sample's models are worth at one set of parameters."""

    def __init__(self, words: Words, sample: str, price: Price, severity: str) -> None:
        self.words, self.sample, self.price, self.selection = words, sample, price, words.selection
        self.names = {ref: bare(label) for ref, label in words.labels.items()}
        self.champion = next((item.ref for item in words.views if item.is_champion), None)
        self.event, self.currency = words.schema.event, words.schema.currency
        rows, events = words.counts[sample]
        self.rate = events / rows
        self.severity = severity
        self.looks = {"colours": words.colours, "labels": words.labels}

    def meaning(self) -> str:
        """Return what the parameters say, in a sentence."""
        lost, earned = format_share(self.price.lgd), format_share(self.price.roi)
        if not math.isfinite(self.price.cost_ratio):
            return f"A {self.event} costs {lost} of the loan on average; a good loan earns nothing."
        ratio = self.price.cost_ratio
        times = f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
        at = format_share(1 / (1 + ratio))
        return (
            f"A {self.event} costs {lost} of the loan on average, a good loan earns {earned} over its life: one "
            f"{self.event} let in costs as much as {times} good loans turned away, so rejecting pays from a PD of {at}."
        )

    def definition(self, text: str, formula: str, *, priced: bool = True) -> Definition:
        """Return a definition over this sample, with the parameters where they matter."""
        price = self.price
        asked = (
            f" Parameters: {format_share(price.no_loss)} of defaults lose nothing, {format_share(price.total_loss)} "
            f"everything, return {format_share(price.roi)}."
        )
        window = self.words.window(self.sample)
        return Definition(text + asked * priced, formula, window=window, model=self.words.models())

    def subtitle(self, what: str) -> str:
        """Return what is plotted, on how many rows."""
        return f"{what}, {self.words.window(self.sample)}"

    def _rank(self, values: dict[str, float], *, low: bool = False) -> tuple[str, str]:
        """Return the best model, and the one to name against it: the champion or, where that leads, the next."""
        order = sorted(values, key=lambda ref: values[ref] if low else -values[ref])
        other = self.champion if self.champion in order[1:] else order[1] if len(order) > 1 else ""
        return order[0], str(other)

    def _money(self, share: float) -> str:
        return format_money(MILLION * share, self.currency)

    def _per(self) -> str:
        return f"per {format_money(MILLION, self.currency).replace('.00', '')} applied for"

    def emp(self) -> tuple[go.Figure, pd.DataFrame, Definition]:
        """Return figure, table and definition of the expected maximum profit."""
        frame = compare_data.emp(self.selection, self.sample, self.price, self.champion)
        shown = frame.assign(text=[self._worth(row) for row in frame.to_dict("records")])
        scaled = shown.assign(**{name: MILLION * shown[name] for name in ("estimate", "low", "high")})
        figure = plot_worth(
            scaled, axis=f"{self.currency} {self._per()}", unit=self.currency, title=self._emp_title(frame),
            subtitle=self.subtitle(f"Expected maximum profit {self._per()}, above granting all"), **self.looks,
        )  # fmt: skip
        return figure, frame, self.definition(EMP, "EMP = E over λ of max over t [λ·π₁·TPR(t) − roi·π₀·FPR(t)]")

    def _worth(self, row: dict[Any, Any]) -> str:
        text = self._money(row["estimate"])
        if not self.words.view.business and math.isfinite(row["low"]):
            text += f" [{self._money(row['low'])}, {self._money(row['high'])}]"
        return f"{text}, rejects {format_share(row['rejected_share'])}"

    def _emp_title(self, frame: pd.DataFrame) -> str:
        rows = {row["model"]: row for row in frame.to_dict("records")}
        best, other = self._rank({ref: row["estimate"] for ref, row in rows.items()})
        top = rows[best]
        if not top["estimate"] > 0:
            return "At these parameters no rejection pays: every model is worth nothing above granting all"
        if not other:
            return f"{self.names[best]} is worth {self._money(top['estimate'])} {self._per()}"
        gap = self._money(top["estimate"] - rows[other]["estimate"])
        sure = _doubt(top, rows[other])
        return f"{self.names[best]} is worth {gap} more than {self.names[other]} {self._per()}{sure}"

    def differences(self, frame: pd.DataFrame, say: Callable[[float], str]) -> pd.DataFrame:
        """Return estimates and paired differences with intervals, one row a model, for the Risk reading."""
        rows = []
        for row in frame.to_dict("records"):
            known = math.isfinite(row["p_value"])
            ends = f"[{say(row['difference_low'])}, {say(row['difference_high'])}]"
            own = f"[{say(row['low'])}, {say(row['high'])}]" if math.isfinite(row["low"]) else "[not known]"
            rows.append({
                "Model": self.words.labels[row["model"]],
                "Estimate": f"{say(row['estimate'])} {own}",
                "Less champion's": f"{say(row['difference'])} {ends}" if known else "–",
                "p": format_p_value(row["p_value"]) if known else "–",
            })  # fmt: skip
        return pd.DataFrame(rows)

    def cutoff(self) -> tuple[go.Figure, pd.DataFrame, Definition]:
        """Return figure, table and definition of what errors cost at each cut-off."""
        frame = compare_data.cutoff_costs(self.selection, self.sample, self.price.cost_ratio)
        scale = MILLION * self.price.roi
        best = frame[frame["best"]]
        costs = {row["model"]: row for row in best.to_dict("records")}
        lead, other = self._rank({ref: row["cost"] for ref, row in costs.items()}, low=True)
        top = costs[lead]
        against = f", {self.names[other]} {self._money(self._save(costs[other]))}" if other else ""
        title = (
            f"{self.names[lead]} costs least where it rejects {format_share(top['rejected_share'])}: it saves "
            f"{self._money(self._save(top))} {self._per()}{against}"
        )
        if not self._save(top) > 0:
            title = "At these costs no cut-off of any model is cheaper than the better of rejecting none or all"
        figure = plot_cutoff_costs(
            frame, scale=scale, unit=f"{self.currency} {self._per()}", title=title,
            subtitle=self.subtitle("Cost of errors by share rejected"), **self.looks,
        )  # fmt: skip
        return figure, frame, self.definition(CUTOFF, "cost = roi · [k·π₁·(1 − TPR) + π₀·FPR],  k = mean loss / roi")

    def _save(self, row: dict[Any, Any]) -> float:
        return float(self.price.roi * (row["without"] - row["cost"]))

    def cost(self) -> tuple[go.Figure, pd.DataFrame, Definition]:
        """Return figure, table and definition of the cost curve."""
        frame = compare_data.cost_curve(self.selection, self.sample)
        ratio = self.price.cost_ratio
        at = self.rate * ratio / (self.rate * ratio + 1 - self.rate) if math.isfinite(ratio) else 1.0
        near = frame.assign(far=(frame["probability_cost"] - at).abs())
        near = near.loc[near.groupby("model", sort=False)["far"].idxmin()]
        saved = {
            row["model"]: 1 - row["cost"] / row["without"] if row["without"] > 0 else 0.0
            for row in near.to_dict("records")
        }
        best, other = self._rank(saved)
        against = f", {self.names[other]} {format_share(saved[other])}" if other else ""
        title = f"At your costs {self.names[best]} saves {format_share(saved[best])} of what errors cost{against}"
        if not saved[best] > 0:
            title = "At your costs no model saves anything: the better of rejecting none or all is as cheap"
        figure = plot_cost_curve(frame, at=at, title=title, subtitle=self.subtitle("Cost curve"), **self.looks)
        return (
            figure,
            frame,
            self.definition(COST, "x = π₁k / (π₁k + π₀);  cost = min over t [x·(1 − TPR) + (1 − x)·FPR]"),
        )

    def decision(self) -> tuple[go.Figure, pd.DataFrame, Definition]:
        """Return figure, table and definition of the decision curve."""
        frame = compare_data.decision_curve(self.selection, self.sample)
        near = frame.assign(far=(frame["threshold"] - 2 * self.rate).abs())
        near = near.loc[near.groupby("model", sort=False)["far"].idxmin()]
        nets = {row["model"]: 1000 * row["net_benefit"] for row in near.to_dict("records")}
        best, other = self._rank(nets)
        against = f", {self.names[other]} {format_factor(nets[other])}" if other else ""
        act = format_share(float(near["threshold"].iloc[0]))
        title = (
            f"Acting at a PD of {act} nets {format_factor(nets[best])} {self.event}s per 1,000 loans with "
            f"{self.names[best]}{against}"
        )
        figure = plot_decision_curve(
            frame, title=title, subtitle=self.subtitle("Net benefit by threshold"), event=self.event, **self.looks
        )
        return figure, frame, self.definition(DECISION, "net benefit = TP/n − FP/n · t/(1 − t)", priced=False)

    def severity_ratio(self) -> float | None:
        """Return the severity ratio asked for: None for that of the classes."""
        ratio = self.price.cost_ratio
        return 1 / ratio if self.severity == OWN and 0 < ratio < math.inf else None

    def h(self) -> tuple[go.Figure, pd.DataFrame, Definition]:
        """Return figure, table and definition of the H-measure."""
        frame = compare_data.h_measure(self.selection, self.sample, self.severity_ratio(), self.champion)
        rows = {row["model"]: row for row in frame.to_dict("records")}
        best, other = self._rank({ref: row["estimate"] for ref, row in rows.items()})
        against = f", {self.names[other]} {format_share(rows[other]['estimate'])}" if other else ""
        sure = _doubt(rows[best], rows[other]) if other else ""
        title = f"{self.names[best]} saves {format_share(rows[best]['estimate'])} of what errors cost{against}{sure}"
        texts = [
            f"{row['estimate']:.3f}"
            + ("" if self.words.view.business else f" {format_interval(row['low'], row['high'], digits=3)}")
            for row in rows.values()
        ]
        figure = plot_worth(
            frame.assign(text=texts), axis="H-measure, 0 to 1", unit="", title=title,
            subtitle=self.subtitle(f"H-measure, {self.severity.lower()}"), **self.looks,
        )  # fmt: skip
        formula = "H = 1 − ∫ min loss · w(c) dc / the same of the better of all or none"
        return figure, frame, self.definition(H, formula, priced=self.severity == OWN)


def _doubt(best: dict[Any, Any], other: dict[Any, Any]) -> str:
    """Return a warning where two models cannot be told apart; the one that is not the champion has the p-value."""
    p = best["p_value"] if math.isfinite(best["p_value"]) else other["p_value"]
    return "; that may be chance" if p >= 0.05 else ""

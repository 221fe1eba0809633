"""The swap set put into words: who is let in instead of whom, whether that pays, and what tells them apart."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.words import (
    format_interval,
    format_money,
    format_month,
    format_p_value,
    format_points,
    format_share,
    format_value,
)
from pages.common import compare_swap_data, explain_data
from pages.common.compare_data import EXPOSURE
from pages.common.compare_pair import Pair
from pages.common.compare_swap_data import MOVE
from pages.common.compare_words import Words
from pages.common.shell import describe_filters

TOP = 12
FORMULA = "k = ⌊share approved · n + ½⌋ lowest PDs of each model; expected loss = Σ PD · LGD · exposure"
MEANING = (
    "Both models approve the same number of loans, those with their lowest PDs; equal PDs are parted by loan and date. "
    "Rates carry Jeffreys intervals, on the effective number of rows where loans repeat. Lost is outcome "
    "· LGD · exposure: what the observed defaults would lose at the LGD named, not booked losses."
)
DRIVERS = (
    "Swapped-in against swapped-out loans in every feature and segment, sorted by effect on one scale from 0 to 1: "
    "Cliff's delta for numbers, Cramér's V with equal weights for categories. Pale: chance alone could do it (q > 5 %, "
    "Benjamini–Hochberg)."
)


@dataclass(frozen=True)
class Asked:
    """What the reader has chosen: champion and challenger, the share approved, and the date ("" for all)."""

    pair: Pair
    approved: float
    date: str


class SwapWords:
    """What one swap set says."""

    def __init__(self, words: Words, sample: str, asked: Asked) -> None:
        self.words, self.schema, self.selection, self.asked = words, words.schema, words.selection, asked
        self.sample, self.business, self.names = sample, words.view.business, asked.pair.names
        self.champion, self.challenger = asked.pair.champion.ref, asked.pair.challenger.ref
        self.colours = (asked.pair.champion.colour, asked.pair.challenger.colour)
        self.lgd = compare_swap_data.lgd(self.selection)
        given = None if self.lgd.bands is not None else self.lgd.fixed
        self.choice = (sample, self.champion, self.challenger, asked.approved, asked.date, given)
        self.found = compare_swap_data.swap(self.selection, *self.choice)
        self.cells: dict[str, dict[Any, Any]] = {row["cell"]: row for row in self.found.cells.to_dict("records")}
        self.moved = int(self.cells["swapped in"]["loans"])
        self.money = self.schema.exposure is not None
        self.n = int(self.found.cells["loans"].sum())

    def _amount(self, value: float) -> str:
        return format_money(value, self.schema.currency)

    def _rate(self, cell: str) -> float:
        return float(self.cells[cell]["rate"])

    def title(self) -> str:
        """Return the finding: how many change sides, and which of them go wrong more often."""
        share, (old, new) = format_share(self.asked.approved), self.names
        if not self.moved:
            return f"At {share} approved, {new} and {old} approve the same {self.schema.subject}s"
        rates = f"{format_share(self._rate('swapped in'))} against {format_share(self._rate('swapped out'))}"
        tests = self.found.tests
        less = "less" if tests.difference < 0 else "more"
        clear = tests.p_value < 0.05
        said = f"those go into {self.schema.event} {less} often" if clear else "no clear difference"
        loans = f"{self.moved:,} {self.schema.subject}s"
        return f"At {share} approved, {new} swaps {loans} in for as many out: {said}, {rates}"

    def subtitle(self) -> str:
        """Return what the boxes are."""
        rows = f"{self.n:,} {self.schema.subject}s" + (", a loan once a date" if self.found.clustered else "")
        when = f", {format_month(pd.Timestamp(self.asked.date))}" if self.asked.date else ""
        return f"Decisions at equal approval, {self.sample}, {rows}{when}; {describe_filters(self.words.view)}"

    def boxes(self) -> pd.DataFrame:
        """Return cell, heading, lines and small for the figure."""
        rows = []
        for row in self.found.cells.to_dict("records"):
            lines = [f"{row['loans']:,} {self.schema.subject}s, {format_share(row['share'])}"]
            if self.money:
                lines.append(self._amount(row[EXPOSURE]))
            rate = f"{self.schema.event} rate {format_share(row['rate'])}"
            interval = format_interval(row["rate_low"], row["rate_high"], "share")
            lines += [rate, *([interval] if row["known"] else [])]
            if self.money:
                lines.append(f"lost {self._amount(row['loss'])}")
            rows.append({"cell": row["cell"], "heading": row["cell"].capitalize(), "lines": "\n".join(lines),
                         "small": row["small"]})  # fmt: skip
        return pd.DataFrame(rows)

    def sentences(self) -> list[str]:
        """Return what changes, how sure that is, and what it is worth."""
        every = (self._moves(), self._difference(), self._worth(), self._ties(), self._mcnemar(), self._lgd())
        return [sentence for sentence in every if sentence]

    def _moves(self) -> str:
        old, new = self.names
        share = format_share(self.moved / self.n)
        return (
            f"{new} approves {self.moved:,} {self.schema.subject}s that {old} declines, and declines as many that "
            f"{old} approves: {share} of all change sides each way."
        )

    def _difference(self) -> str:
        tests = self.found.tests
        if tests.reason:
            return f"Their {self.schema.event} rates cannot be compared: {tests.reason}."
        size = abs(tests.difference)
        if self.business:
            many = round(size * self.moved)
            if not many:
                return f"The swap leaves the number of {self.schema.event}s among the approved as it is."
            way = "fewer" if tests.difference < 0 else "more"
            sure = "" if tests.p_value < 0.05 else " That may be chance."
            return f"The swap means {many:,} {way} {self.schema.event}s among the approved.{sure}"
        points = format_points(tests.difference)
        low, high = format_points(tests.low, size), format_points(tests.high, size)
        return (
            f"Difference of {self.schema.event} rates, swapped-in less swapped-out: {points}, 95 % [{low}, {high}], "
            f"{format_p_value(tests.p_value)} ({tests.test})."
        )

    def _worth(self) -> str:
        if not self.money:
            return "No amounts: no field of this portfolio is the exposure."
        losses = [float(loss) for loss in self.found.totals["loss"]]
        if not all(map(math.isfinite, losses)):
            return "No amounts: some loans have no known exposure."
        old, new = self.names
        word = "less" if losses[1] <= losses[0] else "more"
        return (
            f"Of what it approves {new} would have lost {self._amount(losses[1])}, "
            f"{self._amount(abs(losses[0] - losses[1]))} {word} than {old}"
            + (f", each {self.schema.subject} counted once a date." if self.found.clustered else ".")
        )

    def _ties(self) -> str:
        parts = [
            f"{int(tied):,} {self.schema.subject}s have {name}'s PD at the cut-off"
            for tied, name in zip(self.found.totals["tied"], self.names, strict=True)
            if tied > 1
        ]
        return f"{'; '.join(parts)}: there their number decides and not the model." if parts else ""

    def _mcnemar(self) -> str:
        tests = self.found.tests
        if self.business or pd.isna(tests.mcnemar_p):
            return ""
        return (
            f"McNemar's exact test on right decisions, {tests.only_challenger_right:,} against "
            f"{tests.only_champion_right:,}: {format_p_value(tests.mcnemar_p)}. At equal approvals it is weak; judge "
            "by the difference of rates."
        )

    def _lgd(self) -> str:
        if not self.money:
            return ""
        if self.lgd.bands is not None:
            whole = format_share(float(self.lgd.bands["lgd"].iloc[-1]))
            return f"Losses take the LGD realised in this portfolio by loan-to-value band, {whole} on the whole."
        why = "the portfolio records no realised losses" if self.lgd.realised else "as it asks"
        return f"Losses take the policy's fixed LGD of {format_share(self.lgd.fixed)}: {why}."

    def caveat(self) -> str:
        """Return what outcomes cannot say."""
        event, subject = self.schema.event, self.schema.subject
        granted = (
            f"Here all {subject}s were granted, so both sides are observed, but only among granted {subject}s; of "
            "applicants who were turned away nothing is known."
            if self.schema.kind == "history"
            else f"Here only rows with a known {event} count, on both sides."
        )
        return f"Outcomes of swapped-in {subject}s are observed only where the {subject} was granted. {granted}"

    def totals(self) -> pd.DataFrame:
        """Return what each model approves, one row a model."""
        rows = []
        for row, name in zip(self.found.totals.to_dict("records"), self.names, strict=True):
            interval = format_interval(row["rate_low"], row["rate_high"], "share")
            rate = format_share(row["rate"])
            shown = {
                "Approved by": name,
                "PD up to": format_share(row["cutoff"]),
                f"{self.schema.subject.capitalize()}s": f"{row['loans']:,}",
                f"{self.schema.event.capitalize()} rate": rate if self.business else f"{rate} {interval}",
            }
            if self.money:
                shown["Exposure"] = self._amount(row[EXPOSURE])
                shown["Lost"] = self._amount(row["loss"])
                for role, model in zip(("champion", "challenger"), self.names, strict=True):
                    shown[f"Expected by {model}"] = self._amount(row[f"loss_{role}"])
            rows.append(shown)
        return pd.DataFrame(rows)

    def drivers(self) -> tuple[pd.DataFrame, list[str], str, str]:
        """Return the fields that differ most with `side` and `text`, their labels, title and subtitle."""
        found = compare_swap_data.drivers(self.selection, *self.choice)
        if found.table.empty:
            return found.table, [], "", ""
        table = found.table.head(TOP)
        sides = [_side(row) for row in table.to_dict("records")]
        table = table.assign(side=sides, text=[self._tell(row) for row in table.to_dict("records")])
        labels = [self._label(row) for row in table.to_dict("records")]
        few = [name for name, q in zip(labels, table["q"], strict=True) if q <= 0.05][:2]
        title = (
            f"What changes sides differs most in {' and '.join(name[0].lower() + name[1:] for name in few)}"
            if few
            else "Nothing tells those swapped in from those swapped out beyond chance"
        )
        into, out = found.used
        part = "" if into + out == 2 * self.moved else f" of {2 * self.moved:,}, drawn by a fixed hash and seed"
        subtitle = f"Effect of each field, {into:,} swapped-in against {out:,} swapped-out rows{part}"
        return table, labels, title, subtitle

    def _label(self, row: dict[Any, Any]) -> str:
        label = self.schema.get(str(row["field"])).label
        return f"{label}, missing" if row["kind"] == "missing" else label

    def _tell(self, row: dict[Any, Any]) -> str:
        item = self.schema.get(str(row["field"]))
        into, out = float(row["a"]), float(row["b"])
        if row["kind"] == "number":
            return f"mean {format_value(into, item.unit)} in, {format_value(out, item.unit)} out"
        return f"{row['value']}: {format_share(into, 0)} in, {format_share(out, 0)} out"

    def loans(self, link: str) -> pd.DataFrame:
        """Return the largest loans that change sides, as a table; `link` and the id where Explain has the loan."""
        frame = compare_swap_data.moved_loans(self.selection, *self.choice)
        columns = {
            self.schema.subject.capitalize(): frame["_loan"],
            "Explain": (link + frame["_loan"]).where(frame["explained"]),
            "Move": frame[MOVE],
            "Observed": frame["_date"],
            "Outcome": self._outcomes(frame),
            f"PD {self.names[0]}, %": 100 * frame[self.champion],
            f"PD {self.names[1]}, %": 100 * frame[self.challenger],
            "Exposure": frame[EXPOSURE].round(),
        }
        absent = {"Observed": (frame["_date"] == "").all(), "Exposure": not self.money,
                  "Explain": not frame["explained"].any()}  # fmt: skip
        return pd.DataFrame({name: values for name, values in columns.items() if not absent.get(name, False)})

    def _outcomes(self, frame: pd.DataFrame) -> pd.Series:
        return frame["_y"].map({1: self.schema.event, 0: f"no {self.schema.event}"})

    def export(self) -> pd.DataFrame:
        """Return every loan that changes sides, numbers as numbers."""
        frame = self.found.moved
        return frame.assign(outcome=self._outcomes(frame)).rename(
            columns={"_loan": "loan", "_date": "observed", MOVE: "move", "_y": "event",
                     self.champion: f"pd {self.champion}", self.challenger: f"pd {self.challenger}"}
        )  # fmt: skip

    def about(self) -> dict[str, str]:
        """Return what the exported table is."""
        return {"What": self.title(), "On": self.subtitle(), "Models": self.words.models(), "Note": self.caveat()}

    def loans_heading(self) -> str:
        """Return the heading of the table of loans."""
        shown = min(2 * self.moved, compare_swap_data.SHOWN)
        by = ", by exposure" if self.money else ""
        key = (explain_data.explained_keys(self.selection, self.champion) or [""])[0]
        old = "" if key in ("", "all") else f"; Explain has those that are still in the book at {key}"
        return f"{self.schema.subject.capitalize()}s that change sides: {shown:,} of {2 * self.moved:,}{by}{old}"


def _side(row: dict[Any, Any]) -> int:
    """Return on which side there is more: 1 swapped-in, 0 swapped-out, -1 where it cannot be said."""
    size = float(row["effect"] if row["kind"] == "number" else row["difference"])
    return -1 if not size else int(size > 0)

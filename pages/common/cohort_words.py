"""Two cohorts put into words: what they are called, where they differ most, and one field told in sentences."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analytics.figures.cohorts import COHORT_A, COHORT_B
from analytics.proportions import SMALL_N
from analytics.words import format_interval, format_month, format_number, format_p_value, format_share, format_value
from pages.common.cohort_data import Comparison, Group
from pages.common.shell import View, describe_filters, plain
from portfolio.workspace import UNDATED

Q = 0.05  # the share of false findings that is put up with
TOO_FEW = "too few to judge"


class Words:
    """What the cohorts page says about one comparison."""

    def __init__(self, view: View, a: Group, b: Group, found: Comparison) -> None:
        self.view, self.schema, self.a, self.b, self.found = view, view.schema, a, b, found
        keys = [_key(*pair) for pair in zip(found.table["field"], found.table["kind"], strict=True)]
        table = found.table.assign(row=keys)
        few = table[["n_a", "n_b"]].min(axis=1) < SMALL_N
        self.table = table.assign(strength=table["strength"].where(~few, TOO_FEW), small=few)

    def label(self, row: pd.Series) -> str:
        """Return a row's name: the field's label, and whether its missing values are meant."""
        name = row["field"]
        if name in self.schema.names("target"):
            text = f"Outcome: {self.schema.event} {self.schema.within}"
        else:
            item = self.schema.get(name)
            text = item.label + (" ◆" if "protected" in item.roles else "")
        return f"{text}, missing" if row["kind"] == "missing" else text

    def row(self, key: str) -> pd.Series:
        """Return a row of the comparison by its key."""
        return self.table[self.table["row"] == key].iloc[0]

    def label_of(self, key: str) -> str:
        """Return the name of the row with this key."""
        return self.label(self.row(key))

    def unit(self, row: pd.Series) -> str:
        """Return the unit of a row's means: categories and missing values are shares."""
        return self.schema.get(row["field"]).unit if row["kind"] == "number" else "share"

    def names(self) -> tuple[str, str]:
        """Return what the two cohorts are called."""
        dated = self.a.snapshot != self.b.snapshot
        return self._name(self.a, "A", dated), self._name(self.b, "B", dated)

    def _name(self, group: Group, side: str, dated: bool) -> str:
        what = self._describe(group)
        when = "" if not dated or group.snapshot == UNDATED else format_month(pd.Timestamp(group.snapshot))
        return f"{side}: {', '.join(filter(None, (what, when)))}"

    def _describe(self, group: Group) -> str:
        if not group.field:
            return "all loans" if self.schema.subject == "loan" else f"all {self.schema.subject}s"
        if group.field in self.schema.names("target"):
            return f"no {self.schema.event}" if group.rest else self.schema.event
        if group.rest:
            return "everyone else"
        if group.values:
            return " or ".join(group.values[:3]) + (f" and {len(group.values) - 3} more" if group.values[3:] else "")
        label, unit = self.schema.get(group.field).label, self.schema.get(group.field).unit
        low, high = (None if end is None else format_value(end, unit) for end in (group.low, group.high))
        if low and high:
            return f"{label} {low} to below {high}"
        return f"{label} {low} or more" if low else f"{label} below {high}" if high else f"{label} known"

    def finding(self) -> str:
        """Return the page's first sentence: how many fields differ and in which the cohorts differ most."""
        judged = self.table[~self.table["small"]]
        if judged.empty:
            return f"One cohort has fewer than {SMALL_N} {self.schema.subject}s: {TOO_FEW}."
        differ = judged[judged["q"] < Q]
        if differ.empty:
            return f"No field tells the two apart: none of {len(judged)} differs beyond what chance gives."
        top = differ.iloc[0]
        clear = differ[differ["strength"].isin(["medium", "large"])]
        more = f"; {len(clear)} differ by a medium or large effect" if len(clear) > 1 else ""
        return f"{self.sentence(top)}. {len(differ)} of {len(judged)} fields differ beyond chance{more}."

    def sentence(self, row: pd.Series) -> str:
        """Return one field's difference in words: the averages or shares, and how far apart they are."""
        unit, label = self.unit(row), self.label(row)
        a, b = format_value(row["a"], unit), format_value(row["b"], unit)
        if row["kind"] == "number":
            return f"{label} is {self._far(row)} in A: {a} on average against {b} in B"
        if row["kind"] == "missing":
            return f"{label} for {a} of A against {b} of B"
        return f"{label}: {a} of A are {row['value']} against {b} of B"

    def _far(self, row: pd.Series) -> str:
        """Return how far A's average is from B's: points for shares, per cent for amounts."""
        word = "higher" if row["difference"] > 0 else "lower" if row["difference"] < 0 else ""
        if not word:
            return "the same"
        size, unit = abs(row["difference"]), self.unit(row)
        if unit in ("share", "%"):
            return f"{format_number(100 * size if unit == 'share' else size)} points {word}"
        if row["b"] > 0 and row["a"] >= 0:
            factor = row["a"] / row["b"]
            return (
                f"{format_number(factor)} times as high" if factor > 3 else f"{format_share(abs(factor - 1), 0)} {word}"
            )
        return f"{format_value(size, unit)} {word}"

    def interval(self, row: pd.Series) -> str:
        """Return the difference with its 95 % interval, shares in points."""
        unit = self.unit(row)
        if not np.isfinite(row["low"]):
            return format_value(row["difference"], unit)
        parts = (row["difference"], row["low"], row["high"])
        if unit == "share":
            middle, low, high = (format_number(100 * part, 1) for part in parts)
            return f"{middle} [{low}, {high}] points"
        middle, low, high = (format_value(part, unit) for part in parts)
        money = len(unit) == 3 and unit.isupper()
        return f"{middle} [{low}, {high}]" if money else f"{middle} {format_interval(*parts[1:])}"

    def details(self, row: pd.Series) -> list[str]:
        """Return what else is to be said about one field."""
        lines = [f"Difference A − B: {self.interval(row)}, 95 % interval."]
        if row["small"]:
            lines.append(f"One cohort has fewer than {SMALL_N} known values: {TOO_FEW}.")
        if row["kind"] == "number":
            pairs = f"{100 * max(row['superiority'], 1 - row['superiority']):.0f} of 100"
            more = "higher" if row["superiority"] >= 0.5 else "lower"
            lines.append(f"Of one {self.schema.subject} of A and one of B drawn at random, A's is {more} in {pairs} "
                         "pairs (ties count half).")  # fmt: skip
            if row["difference"] * (row["superiority"] - 0.5) < 0:
                lines.append("The averages point the other way: a few very large values weigh on them.")
        if row["pooled"]:
            lines.append(f"{row['pooled']} rare categories were pooled for the test: fewer than 5 expected in each.")
        if not self.view.business:
            lines.append(self._numbers(row))
        return lines

    def _numbers(self, row: pd.Series) -> str:
        text = f"{row['test']}: {format_p_value(row['p'])}; adjusted q {_short(row['q'])}. "
        if row["kind"] == "number":
            return text + (f"Welch's t: {format_p_value(row['p_mean'])}. Cliff's δ {format_number(row['effect'], 2)}, "
                           f"Hedges' g {format_number(row['hedges_g'], 2)}.")  # fmt: skip
        return text + (f"Cramér's V {format_number(row['cramers_v'], 2)}, with both cohorts given the same weight "
                       f"{format_number(row['effect'], 2)} (both bias-corrected).")  # fmt: skip

    def counts(self) -> str:
        """Return how many rows each cohort has, which were used, and whether they are independent."""
        parts = []
        for name, used, total in zip(self.names(), self.found.used, self.found.total, strict=True):
            subject = f"{self.schema.subject}s"
            part = f"{total:,} {subject}" if used == total else f"a sample of {used:,} of {total:,} {subject}"
            parts.append(f"**{plain(name[0])}** {plain(name[2:].strip())}, {part}")
        text = "; ".join(parts) + f"; {plain(describe_filters(self.view))}."
        if self.found.clustered:
            text += f" Some {self.schema.subject}s come more than once: intervals and p-values are clustered by loan."
        return text

    def shown_table(self) -> pd.DataFrame:
        """Return the ranked table with a picture of both cohorts in each row."""
        table, pictures = self.table, self._pictures()
        frame = pd.DataFrame({
            "Field": [self.label(row) for _, row in table.iterrows()],
            "A": [pictures[row][0] for row in table["row"]],
            "B": [pictures[row][1] for row in table["row"]],
            "In A": [self._typical(row, "a") for _, row in table.iterrows()],
            "In B": [self._typical(row, "b") for _, row in table.iterrows()],
            "Effect": table["effect"].abs(),
            "Size": table["strength"],
            "A − B, 95 % interval": [self.interval(row) for _, row in table.iterrows()],
            "Beyond chance": np.where(table["q"] < Q, "yes", "no"),
        })  # fmt: skip
        if not self.view.business:
            frame = frame.drop(columns="Beyond chance").assign(**{
                "q": table["q"].map(_short), "Test": table["test"], "g": table["hedges_g"].round(2),
                "P(A > B)": table["superiority"].round(2), "V": table["cramers_v"].round(2), "n A": table["n_a"],
                "n B": table["n_b"], "Missing A": table["missing_a"].map(format_share),
                "Missing B": table["missing_b"].map(format_share)})  # fmt: skip
        return frame

    def export(self) -> pd.DataFrame:
        """Return the ranked table as numbers, for a file: shares as fractions, other values in the field's unit."""
        table = self.table
        names = {"kind": "kind", "value": "category", "a": "in_a", "b": "in_b", "difference": "difference",
                 "low": "difference_low", "high": "difference_high", "effect": "effect", "strength": "size", "q": "q",
                 "p": "p", "test": "test", "hedges_g": "hedges_g", "superiority": "p_a_above_b",
                 "cramers_v": "cramers_v", "n_a": "n_a", "n_b": "n_b", "missing_a": "missing_a",
                 "missing_b": "missing_b"}  # fmt: skip
        rows = [row for _, row in table.iterrows()]
        words = {"field": list(map(self.label, rows)), "unit": list(map(self.unit, rows))}
        return pd.DataFrame(words | {name: table[column].to_numpy() for column, name in names.items()})

    def about(self) -> dict[str, str]:
        """Return what the exported table is: the two cohorts, the filters and how it is computed."""
        a, b = self.names()
        return {"Cohort A": a[2:].strip(), "Cohort B": b[2:].strip(), "Finding": self.finding(),
                "Filters": describe_filters(self.view), "Snapshots": self.window(),
                "Method": DEFINITION.replace("**", "")}  # fmt: skip

    def _typical(self, row: pd.Series, side: str) -> str:
        text = format_value(row[side], self.unit(row))
        return f"{text} {row['value']}" if row["kind"] == "category" else text

    def _pictures(self) -> dict[str, tuple[list[float], list[float]]]:
        """Return the shares by bin of A and B of each row; the taller of both is 1, so that they can be compared."""
        found = {}
        for key, part in self.found.pictures.groupby(["field", "kind"]):
            top = max(part["share_a"].max(), part["share_b"].max()) or 1.0
            found[_key(*map(str, key))] = (list(part["share_a"] / top), list(part["share_b"] / top))
        return found

    def columns(self) -> dict[str, Any]:
        """Return how the table's columns are drawn."""
        config = st.column_config
        picture: dict[str, Any] = {"y_min": 0, "y_max": 1, "width": 128}
        return {
            "Field": config.TextColumn(pinned=True, width=182),
            "In A": config.TextColumn(width=112, help="Average, or the share of the category with the largest gap"),
            "In B": config.TextColumn(width=112),
            "A": config.BarChartColumn(help=self.names()[0], color=COHORT_A, **picture),
            "B": config.BarChartColumn(help=self.names()[1], color=COHORT_B, **picture),
            "A − B, 95 % interval": config.TextColumn(width=190),
            "Effect": config.ProgressColumn(
                min_value=0, max_value=1, format="%.2f", width=84,
                help="Cliff's delta of numbers, Cramér's V of categories with both cohorts given the same weight",
            ),
            "Size": config.TextColumn(width=90, help="Negligible, small, medium, large: see How is this computed?"),
            "Beyond chance": config.TextColumn(width=100, help="Kept at a false discovery rate of 5 %"),
        }  # fmt: skip

    def pictured(self, row: pd.Series) -> pd.DataFrame:
        """Return the two distributions of one row."""
        pictures = self.found.pictures
        own = pictures[(pictures["field"] == row["field"]) & (pictures["kind"] == row["kind"])]
        return pd.DataFrame(own.reset_index(drop=True))

    def subtitle(self, row: pd.Series) -> str:
        """Return what the large figure shows."""
        known = f"{int(row['n_a']):,} of A and {int(row['n_b']):,} of B"
        missing = ""
        if row["kind"] != "missing" and max(row["missing_a"], row["missing_b"]) > 0:
            missing = f"; missing for {format_share(row['missing_a'])} and {format_share(row['missing_b'])}"
        return f"{self.label(row)}, share of each cohort; known for {known}{missing}"

    def window(self) -> str:
        """Return which snapshots were read."""
        keys = dict.fromkeys((self.a.snapshot, self.b.snapshot))
        return "" if UNDATED in keys else " and ".join(keys)


def _key(field: str, kind: str) -> str:
    return f"{field} missing" if kind == "missing" else field


def _short(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


DEFINITION = (
    "Every field but the one that makes the cohorts is compared, and beside it the share that is missing. **Numbers**: "
    "Welch's t for the averages (with its 95 % interval) and Mann–Whitney's U for the ranks; numbers with two values "
    "count as categories. **Categories**: χ² on the counts; Fisher's exact test for two categories where fewer than "
    "5 are expected in a cell; of more categories, those with fewer than 5 expected are pooled first (the most "
    "frequent always stays). The interval is "
    "of the category with the largest gap, from the Jeffreys interval of each share. **Ranked by effect**, one scale "
    "from 0 to 1: the size of Cliff's delta for numbers; for categories Cramér's V with both cohorts given the same "
    "weight, bias-corrected, because the plain V shrinks when one cohort is small. Words: Cliff's delta 0.147, 0.33, "
    "0.474 (Romano and others, 2006), V 0.1, 0.3, 0.5 (Cohen, 1988) begin small, medium and large. **Chance**: "
    "Benjamini–Hochberg over all rows; of the fields kept at q < 5 %, about 5 % are false. With many thousands of "
    "loans nearly everything differs beyond chance: read the effect. Samples are drawn by a hash of the loan, so "
    "they are the same at every visit. Where a loan comes more than once, variances are those of sums by loan. "
    "◆ marks protected fields. Bars of the table share one scale per row."
)
FORMULA = (
    "δ = P(A > B) − P(A < B)    V² = ½ Σ (aₖ − bₖ)² / (aₖ + bₖ) − (K − 1)(1/n_A + 1/n_B)/4\n"
    "q = Benjamini–Hochberg over all rows"
)

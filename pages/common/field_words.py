"""One field put into words: its distribution, the curve that fits, and what moves with it."""

from typing import Any

import pandas as pd

from analytics import associations, fitted
from analytics.associations import Method
from analytics.words import format_list, format_number, format_share, format_value
from pages.common import cohort_data, field_data
from pages.common.field_data import OUTCOME, Distribution
from pages.common.shell import View, describe_filters
from portfolio.schema import Field
from portfolio.workspace import UNDATED

SHOWN = 12  # bars: partners of a field, values of a category
CLOSE, ROUGH = 0.02, 0.06  # KS distances up to which a curve is said to fit closely or roughly
WEAK = 0.1  # an association below this is not worth a sentence


class Words:
    """What the fields page says about one field of one snapshot."""

    def __init__(self, view: View, key: str, name: str, by: str, method: Method) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.key, self.name, self.by, self.method = key, name, by, method
        self.field: Field = view.schema.get(name)
        self.rows, self.missing = field_data.missing(self.selection, key, name)

    @property
    def is_number(self) -> bool:
        """Whether the field is a number without named codes."""
        return not cohort_data.is_category(self.field)

    def label(self, name: str) -> str:
        """Return a field's label; the outcome is named by its event."""
        if name in self.schema.names("target"):
            return f"Outcome: {self.schema.event}"
        return self.schema.get(name).label

    def labels(self) -> dict[str, str]:
        """Return every field's label."""
        return {item.name: self.label(item.name) for item in self.schema.fields}

    def protected(self) -> list[str]:
        """Return the fields that are marked."""
        return self.schema.names("protected")

    def window(self) -> str:
        """Return which snapshot was read."""
        return "" if self.key == UNDATED else self.key

    def groups(self) -> list[str]:
        """Return the groups drawn, largest first."""
        return field_data.group_order(self.selection, self.key, self.by)[: field_data.GROUPS]

    def number(self) -> Distribution:
        """Return the number's distribution."""
        return field_data.number(self.selection, self.key, self.name, self.by)

    def value_shares(self) -> pd.DataFrame:
        """Return the shares by group of a category, or of a number with few values."""
        if self.is_number:
            return self.number().values
        return field_data.category(self.selection, self.key, self.name, self.by)

    def values_drawn(self) -> list[Any]:
        """Return the values drawn: a number's in order, the most frequent of a category."""
        values = self.value_shares()["value"]
        return sorted(values.unique()) if self.is_number else list(dict.fromkeys(values))[:SHOWN]

    def finding(self) -> str:
        """Return the page's first sentence."""
        known = self.rows - self.missing
        if not known:
            return f"{self.field.label} is not known for any {self.schema.subject} of this snapshot."
        lacking = f" Missing for {format_share(self.missing / self.rows)}." if self.missing else ""
        if not self.is_number:
            whole = field_data.category(self.selection, self.key, self.name, "")
            top = whole.iloc[0]
            return f"{self.field.label}: {top['value']} is most frequent, {format_share(top['share'])}.{lacking}"
        row = field_data.number(self.selection, self.key, self.name, "").summary.iloc[0]
        low, middle, high = (format_value(row[column], self.field.unit) for column in ("q25", "q50", "q75"))
        if low == high:
            return (f"{self.field.label}: the middle half of the {self.schema.subject}s all have {middle}; the highest "
                    f"is {format_value(row['maximum'], self.field.unit)}.{lacking}")  # fmt: skip
        return (f"{self.field.label}: half of the {self.schema.subject}s lie between {low} and {high}, the median is "
                f"{middle}.{lacking}")  # fmt: skip

    def title(self, found: Distribution) -> str:
        """Return the finding of the distribution of a number."""
        label, unit = self.field.label, self.field.unit
        if self.by:
            return self._gap(found.summary, label, unit)
        if found.fit is None:
            return f"{label}: median {format_value(found.summary['q50'].iloc[0], unit)}"
        part = "" if 1 - found.fit.share < fitted.SPIKE else f", apart from zeros ({format_share(1 - found.fit.share)})"
        best, distance = found.fit.best, float(found.fit.table["ks"].iloc[0])
        if distance < CLOSE:
            return f"{label} follows a {best} curve closely{part}"
        near = f"is roughly {best}" if distance < ROUGH else f"follows no simple curve: {best} is the nearest"
        return f"{label} {near}{part}"

    def _gap(self, summary: pd.DataFrame, label: str, unit: str) -> str:
        used = summary[summary["n"] >= 30].sort_values("q50")
        if len(used) < 2 or used["q50"].iloc[0] == used["q50"].iloc[-1]:
            return f"{label}: the medians of the groups are alike"
        low, high = used.iloc[0], used.iloc[-1]
        return (f"{label}: median highest for {high['group']}, {format_value(high['q50'], unit)}, lowest for "
                f"{low['group']}, {format_value(low['q50'], unit)}")  # fmt: skip

    def subtitle(self, found: Distribution) -> str:
        """Return what is plotted, on how many, and what is left out."""
        text = f"Share of {int(found.summary['n'].sum()):,} {self.schema.subject}s"
        if not found.bins.empty:
            inside = found.bins["n"].sum() / max(1, found.summary["n"].sum())
            text += f"; {format_share(1 - inside)} beyond the axis" if inside < 1 and not self.by else ""
        if self.by and len(field_data.group_order(self.selection, self.key, self.by)) > field_data.GROUPS:
            text += f"; the {field_data.GROUPS} largest groups"
        if found.fit is not None:
            best = found.fit.table.iloc[0]
            text += f"; curve on {best['n']:,}, KS distance {format_number(best['ks'], 3)}"
            text += " (without zeros)" if found.fit.part != fitted.ALL else ""
        return f"{text}; {describe_filters(self.view)}"

    def values_title(self) -> str:
        """Return the finding of a distribution shown value by value."""
        frame, label = self.value_shares(), self.field.label
        if not self.by:
            top = frame.iloc[int(frame["share"].to_numpy().argmax())]
            return f"{label}: {self._word(top['value'])} is most frequent, {format_share(top['share'])}"
        wide = frame[frame["group"].isin(self.groups())].pivot(index="value", columns="group", values="share").fillna(0)
        place = int((wide.max(axis=1) - wide.min(axis=1)).to_numpy().argmax())
        value, shares = wide.index[place], wide.iloc[place]
        return (f"{label}: {self._word(value)} makes up {format_share(shares.max())} of {shares.idxmax()} and "
                f"{format_share(shares.min())} of {shares.idxmin()}")  # fmt: skip

    def _word(self, value: Any) -> str:
        return format_value(value, self.field.unit if self.is_number else "")

    def values_subtitle(self) -> str:
        """Return what the bars are."""
        frame = self.value_shares()
        more = frame["value"].nunique() - len(self.values_drawn())
        text = (
            f"Share of {int(frame['n'].sum()):,} {self.schema.subject}s{', each group for itself' if self.by else ''}"
        )
        rarer = f"; {more} rarer values are in the table" if more > 0 else ""
        return f"{text}{rarer}; {describe_filters(self.view)}"

    def boxes(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Return the groups drawn as boxes: the largest, highest median first."""
        return summary[summary["n"] > 0].head(SHOWN).sort_values("q50", ascending=False, ignore_index=True)

    def boxes_subtitle(self) -> str:
        """Return what the boxes are."""
        return f"5 %, quartiles, median and 95 % of each group; dashed: mean; {describe_filters(self.view)}"

    def fits_note(self) -> str:
        """Return how the fits are to be read."""
        return ("Best by AIC. With this many values a test rejects every curve: the KS distance says how far off it is "
                "at worst.")  # fmt: skip

    def quantiles(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Return the table of quantiles, with units."""
        unit = self.field.unit
        columns = {"minimum": "Lowest", "q1": "1 %", "q5": "5 %", "q25": "25 %", "q50": "Median", "q75": "75 %",
                   "q95": "95 %", "q99": "99 %", "maximum": "Highest", "mean": "Mean"}  # fmt: skip
        frame = (
            pd.DataFrame({"Group": summary["group"], "n": summary["n"].map("{:,}".format)})
            if self.by
            else pd.DataFrame({"n": summary["n"].map("{:,}".format)})
        )
        frame["Missing"] = summary["missing"].map(format_share)
        return frame.assign(
            **{label: [format_value(v, unit) for v in summary[name]] for name, label in columns.items()}
        )

    def fits(self, found: Distribution) -> pd.DataFrame:
        """Return the families tried, best first."""
        if found.fit is None:
            return pd.DataFrame()
        table = found.fit.table
        return pd.DataFrame({"Curve": table["family"], "AIC − best": (table["aic"] - table["aic"].min()).round(1),
                             "KS distance": table["ks"].round(4)})  # fmt: skip

    def pairs(self) -> tuple[pd.DataFrame, int, int]:
        """Return all associations, the rows used and the rows there are."""
        return field_data.pairs(self.selection, self.key, self.method)

    def partners(self, name: str) -> pd.DataFrame:
        """Return what moves with a field, strongest first."""
        return associations.compute_partners(self.pairs()[0], name)

    def partners_title(self, name: str, partners: pd.DataFrame) -> str:
        """Return the finding of the bars."""
        label = self.label(name)
        strong = partners[partners["size"] >= WEAK]
        if strong.empty:
            return f"Nothing moves with {label}: no association reaches {WEAK}"
        return f"{label} moves most with {format_list([self.label(field) for field in strong['field'][:2]])}"

    def partners_subtitle(self) -> str:
        """Return what the bars are."""
        return f"{self._measures()}; red rises with it, blue falls, grey has no direction; {self._used()}"

    def _measures(self) -> str:
        return f"{self.method.capitalize()} for numbers, η and Cramér's V for categories"

    def _used(self) -> str:
        _, used, total = self.pairs()
        return f"{used:,} {self.schema.subject}s" if used == total else f"a sample of {used:,} of {total:,}"

    def matrix_title(self) -> str:
        """Return the finding of the heat map: the strongest pair that is not nearly the same field twice."""
        table = self.pairs()[0].dropna(subset=["value"])
        apart = table[~table["duplicate"]].sort_values("size", ascending=False, kind="stable")
        if apart.empty:
            return "No two fields could be compared"
        top = apart.iloc[0]
        names = f"{self.label(top['first'])} and {self.label(top['second'])}"
        return f"{names} move together most, {format_number(top['value'], 2)}"

    def matrix_subtitle(self, shown: int) -> str:
        """Return what the heat map is."""
        table = self.pairs()[0]
        fields = len(set(table["first"]) | set(table["second"]))
        some = f"the {shown} of {fields} fields with the strongest ties" if shown < fields else f"{fields} fields"
        return f"{self._measures()}; {some}, those that move together side by side; ◆ protected; {self._used()}"

    def duplicates(self) -> str:
        """Return a warning on fields that are nearly one, or ""."""
        twins = self.pairs()[0]
        twins = twins[twins["duplicate"]].sort_values("size", ascending=False, kind="stable")
        if twins.empty:
            return ""
        named = [f"{self.label(row['first'])} and {self.label(row['second'])} ({format_number(row['value'], 2)})"
                 for _, row in twins.head(6).iterrows()]  # fmt: skip
        more = f", and {len(twins) - 6} more pairs" if len(twins) > 6 else ""
        return f"Nearly the same information twice (above {associations.NEAR_DUPLICATE}): {'; '.join(named)}{more}."


def name_split(view: View, by: str) -> str:
    """Return what a choice of "Split by" is called."""
    if not by:
        return "Whole book"
    return f"Outcome: {view.schema.event}" if by == OUTCOME else view.schema.get(by).label


def splits(view: View, key: str, name: str) -> list[str]:
    """Return what a field can be split by: nothing, the outcome where known, segments."""
    target = view.schema.names("target")
    known = [OUTCOME] if target and target[0] in cohort_data.groupings(view.selection, key) else []
    return ["", *known, *(item for item in view.schema.names("segment") if item != name)]


DISTRIBUTION = (
    "Quantiles and counts are of all rows, by the engine. **Bins**: from the 0.1 % to the 99.9 % quantile, width by "
    "Freedman and Diaconis (1981), between 12 and 60 bins; whole numbers have whole widths. Numbers with at most 24 "
    "values are shown value by value. **Curve**: normal; for positive values log-normal and gamma; for values between "
    "0 and 1 beta; fitted by maximum likelihood to a sample drawn by a hash of the loan, the best by AIC. Where 1 % or "
    "more are exactly zero they are left out of the fit and the curve is scaled to the rest. The KS distance is the "
    "largest gap between the two distribution functions. With thousands of loans a test would reject every curve: "
    "read the distance, not a p-value. **Boxes**: 5 %, quartiles, median and 95 %; the dashed line is the mean."
)
DISTRIBUTION_FORMULA = "width = 2 (q75 − q25) / n^(1/3)    AIC = 2 k − 2 log L    KS = max |F_n(x) − F(x)|"
ASSOCIATION = (
    "**Numbers**: Spearman's ρ (ranks: any rising course) or Pearson's r (straight lines only), from −1 to 1. "
    "**Categories**: Cramér's V, bias-corrected (Bergsma, 2013), from 0 to 1. **A number with a category**: the "
    "correlation ratio η, bias-corrected (Kelley's ε), of ranks beside Spearman and of values beside Pearson, from 0 "
    "to 1. Each pair uses the loans where both are known; fewer than 30 give none. Order: average-linkage clustering "
    "of 1 − size. ◆ marks protected fields, which models never see: a field that moves with one may stand in for it. "
    "An association is no cause."
)
ASSOCIATION_FORMULA = "V = √(max(0, χ²/n − (r−1)(c−1)/(n−1)) / (min(r', c') − 1))    ε² = 1 − (1 − η²)(n−1)/(n−k)"

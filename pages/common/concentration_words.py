"""Concentration put into words: shares by group, the largest loans and borrowers."""

import pandas as pd

from analytics.concentration import (
    BAND_NAMES,
    HIGH_BANDS,
    compute_herfindahl,
    compute_shares,
    compute_top_shares,
)
from analytics.words import MISSING, format_list, format_money, format_month, format_number, format_share
from pages.common import concentration_data, overview_data
from pages.common.book_words import Shown
from pages.common.overview_data import LTV_BAND
from pages.common.shell import View, describe_filters

VINTAGE = "vintage"
TOP = 12
ORDERED = (VINTAGE, LTV_BAND)  # shown in their own order, not by size


class ConcentrationWords:
    """What one selection's exposure is concentrated in, at the last observation date."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.key = overview_data.dates(self.selection).latest
        self.by_number = self.schema.exposure is None
        self.amount = "number" if self.by_number else "exposure"
        self.unit = "" if self.by_number else self.schema.currency
        self.cells = overview_data.cells(self.selection, self.key)
        self.whole = overview_data.whole(self.selection, self.key)
        self.tables: dict[str, pd.DataFrame] = {}
        self.several = set(self.cells["field"].value_counts().loc[lambda counts: counts > 1].index)

    def dimensions(self) -> dict[str, str]:
        """Return what concentration can be shown by, and its label: region first, vintage, LTV band, then segments."""
        region = self.schema.meaning("region")
        names = [name for name in overview_data.fields(self.selection) if name in self.several]
        first = [region.name] if region is not None and region.name in names else []
        vintage = [VINTAGE] if len(concentration_data.by_vintage(self.selection, self.key)) > 1 else []
        band = [LTV_BAND] if LTV_BAND in names else []
        rest = [name for name in names if name not in (*first, *band)]
        labels = {name: overview_data.label(self.schema, name) for name in names} | {VINTAGE: "Year granted"}
        return {name: labels[name] for name in (*first, *vintage, *band, *rest)}

    def is_region(self, dimension: str) -> bool:
        """Whether the limit on regions is for this dimension."""
        region = self.schema.meaning("region")
        return region is not None and region.name == dimension

    def table(self, dimension: str) -> pd.DataFrame:
        """Return value, amount, loans and share by one dimension, in the order it is shown."""
        if dimension not in self.tables:
            self.tables[dimension] = self._table(dimension)
        return self.tables[dimension]

    def _table(self, dimension: str) -> pd.DataFrame:
        if dimension == VINTAGE:
            frame = concentration_data.by_vintage(self.selection, self.key)
        else:
            own = self.cells[self.cells["field"] == dimension]
            frame = own.assign(amount=own["rows" if self.by_number else "exposure"], loans=own["rows"])
        frame = compute_shares(frame[["value", "amount", "loans"]], amount="amount")
        if dimension == LTV_BAND:
            places = {name: place for place, name in enumerate(BAND_NAMES)}
            return frame.sort_values("value", key=lambda names: names.map(places), ignore_index=True)
        if dimension == VINTAGE:
            return frame.sort_values("value", ignore_index=True)
        return frame.sort_values("share", ascending=False, ignore_index=True)

    def shares(self, dimension: str, limit: float) -> Shown:
        """Return shares by a dimension with their finding; those above `limit` are marked (high bands for LTV)."""
        whole = self.table(dimension)
        label = self.dimensions()[dimension]
        index = compute_herfindahl(whole["amount"])
        frame = whole.assign(marked=(whole["share"] > limit) & self.is_region(dimension))
        if dimension == LTV_BAND:
            frame["marked"] = frame["value"].isin(HIGH_BANDS[1.0])
        shown = self._shorten(frame, dimension)
        equal = format_number(1 / index, 1)
        spread = self.view.word(
            f"as concentrated as {equal} of equal size", f"HHI {index:.3f}, effective number {equal}"
        )
        return Shown(
            shown,
            label,
            "share",
            self.unit,
            self._title(dimension, whole, label, spread),
            f"Share of {self.amount} by {label.lower()}, {self.count()}; {describe_filters(self.view)}",
            "Sum of the group's exposure over that of all. HHI = Σ share², the plain Herfindahl–Hirschman index over "
            "all groups, its inverse the effective number of groups of equal size; it is not the ECB's index, which is "
            f"for grades. {self._population()}",
            self.when(),
        )

    def _title(self, dimension: str, table: pd.DataFrame, label: str, spread: str) -> str:
        if dimension == LTV_BAND:
            high, above = (self.high_ltv(level) for level in (0.9, 1.0))
            owed = f"{format_share(high)} of the {self.amount} is above 90 % of the property's value"
            return f"{owed}, {format_share(above)} above 100 %"
        known = table[table["value"] != MISSING]
        top = known.sort_values("share", ascending=False).iloc[0]
        name = f"Loans of {top['value']}" if dimension == VINTAGE else str(top["value"])
        verb = "make up" if dimension == VINTAGE else "holds"
        return f"{name} {verb} {format_share(top['share'])} of the {self.amount}; {label.lower()}s {spread}"

    def _shorten(self, frame: pd.DataFrame, dimension: str) -> pd.DataFrame:
        if len(frame) <= TOP or dimension == LTV_BAND:
            return frame
        kept, rest = (
            (frame.tail(TOP), frame.iloc[:-TOP]) if dimension == VINTAGE else (frame.head(TOP), frame.iloc[TOP:])
        )
        name = f"before {kept['value'].iloc[0]}" if dimension == VINTAGE else f"other ({len(rest)})"
        row = pd.DataFrame([{"value": name, **rest[["amount", "loans", "share"]].sum(), "marked": False, "rest": True}])
        kept = kept.assign(rest=False)
        return pd.concat([row, kept] if dimension == VINTAGE else [kept, row], ignore_index=True)

    def high_ltv(self, above: float) -> float:
        """Return the share of exposure above a loan-to-value of 0.9 or 1; NaN where there is no loan-to-value."""
        if not (self.cells["field"] == LTV_BAND).any():
            return float("nan")
        table = self.table(LTV_BAND)
        return float(table.loc[table["value"].isin(HIGH_BANDS[above]), "share"].sum())

    def top_shares(self) -> pd.DataFrame:
        """Return who, top, exposure, share: how much the largest loans, and the largest borrowers, hold."""
        total = float(self.whole["exposure"])
        sources = {
            self.schema.subject: concentration_data.largest_loans(self.selection, self.key),
            "borrower": concentration_data.largest_borrowers(self.selection, self.key),
        }
        parts = [
            compute_top_shares(frame["exposure"], total).assign(who=f"{name}s")
            for name, frame in sources.items()
            if len(frame)
        ]
        columns = ["who", "top", "exposure", "share"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def describe_tops(self) -> str:
        """Return how much the largest loans and borrowers hold, or why it is not known."""
        table = self.top_shares()
        if table.empty:
            return "Large exposures: not known, because no field is the exposure."
        lines = []
        for who, part in table.groupby("who", sort=False):
            shares = [f"{int(row['top']):,} hold {format_share(row['share'])}" for _, row in part.iterrows()]
            lines.append(f"The largest {who}: {format_list(shares)}.")
        return " ".join(lines)

    def largest(self, link: str) -> pd.DataFrame:
        """Return the 20 largest loans as a table: `link` and id, exposure, share, and what else is known of each."""
        frame = concentration_data.largest_loans(self.selection, self.key).head(20)
        if frame.empty:  # no field is the exposure
            return frame
        total = float(self.whole["exposure"])
        ltv = self.schema.meaning("ltv")
        scale = 1.0 if ltv is not None and ltv.unit == "%" else 100.0
        columns: dict[str, pd.Series] = {
            "Explain": link + frame["loan"].astype(str),
            "Exposure": frame["exposure"].round(),
            "Share, %": 100 * frame["exposure"] / total,
        }
        if "ltv" in frame:
            columns["LTV, %"] = scale * frame["ltv"]
        if "pd" in frame:
            columns["PD, %"] = 100 * frame["pd"]
        if "days_past_due" in frame:
            columns["Days past due"] = frame["days_past_due"]
        if "place" in frame:
            columns["Region"] = frame["place"]
        return pd.DataFrame(columns)

    def when(self) -> str:
        """Return the date shown, or "" for a table without dates."""
        return "" if self.key == "all" else format_month(pd.Timestamp(self.key))

    def count(self) -> str:
        """Return how many loans and how much exposure, and when."""
        whole = self.whole
        money = "" if self.by_number else f", {format_money(whole['exposure'], self.schema.currency)}"
        when = f", {self.when()}" if self.when() else ""
        return f"{int(whole['rows']):,} {self.schema.subject}s{money}{when}"

    def _population(self) -> str:
        if self.schema.kind != "history":
            return "All rows of the table's last date."
        return "Loans that perform at the last observation date; those in default are not in it."

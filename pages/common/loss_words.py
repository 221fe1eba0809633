"""Expected loss put into words: the amount, where it is high, the LGD behind it, and how the last forecast did."""

import pandas as pd

from analytics.concentration import BAND_NAMES
from analytics.words import MISSING, format_factor, format_list, format_money, format_month, format_share
from pages.common import overview_data
from pages.common.book_words import Shown
from pages.common.overview_data import LTV_BAND
from pages.common.shell import View, describe_filters
from portfolio.selection import Selection

TOP = 12


class LossWords:
    """Expected loss of one selection: PD · LGD · EAD, or PD · EAD where the portfolio knows no losses."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.bare = Selection(view.selection.workspace, view.selection.portfolio)
        self.dates = overview_data.dates(self.selection)
        self.model = overview_data.champion(self.selection)
        self.whole = overview_data.whole(self.selection, self.dates.latest)
        self.lgd = overview_data.lgd(self.bare) if self.model else None
        self.amount = "loss" if self.lgd is not None else "pd_exposure"

    def problem(self) -> str:
        """Return why there is no expected loss, or ""."""
        if self.schema.exposure is None:
            return "No expected loss: no field is the exposure. Give one that role in schema.toml to see it."
        if self.model is None or not self.whole["scored"]:
            command = f"`python cli.py score --portfolio {self.selection.portfolio}`"
            return f"No expected loss: no champion has scored this date. {command} does."
        return ""

    def heading(self) -> str:
        """Return the section's heading."""
        if self.lgd is None:
            return f"Exposure expected to end in {self.schema.event}"
        return self.view.word("What we expect to lose", "Expected loss")

    def sentences(self) -> list[str]:
        """Return the amount, what LGD it takes, and how the last forecast that can be judged turned out."""
        return list(filter(None, (self._amount(), self._lgd(), self._coverage(), self._back_look())))

    def _amount(self) -> str:
        currency, exposure = self.schema.currency, self.whole["scored_exposure"]
        total, points = self.whole[self.amount], 1e4 * self.whole[self.amount] / exposure
        name = "Expected loss" if self.lgd is not None else f"Exposure expected to end in {self.schema.event}"
        return (
            f"{name} {self.schema.within}: {format_money(total, currency)}, {points:.1f} basis points of "
            f"{format_money(exposure, currency)}."
        )

    def _lgd(self) -> str:
        if self.lgd is None:
            return "This is PD · exposure: the portfolio records no realised losses, so no loss given default is known."
        every = self.lgd.iloc[-1]
        dates = overview_data.lgd_dates(self.bare)
        return (
            f"Loss given default {format_share(every['lgd'])} on the whole: what was lost of the exposure of "
            f"{every['defaults']:,} defaults among loans observed from {format_month(pd.Timestamp(dates[0]))} to "
            f"{format_month(pd.Timestamp(dates[-1]))}, by loan-to-value band."
        )

    def _coverage(self) -> str:
        missing = int(self.whole["rows"] - self.whole["scored"])
        return f"{missing:,} {self.schema.subject}s have no PD and are not in it." if missing else ""

    def _back_look(self) -> str:
        if not self.dates.mature or self.dates.mature == "all":
            return ""
        then = overview_data.whole(self.selection, self.dates.mature)
        if not then["judged"] or not then["judged_pd_exposure"]:
            return ""
        ratio = then["judged_event_exposure"] / then["judged_pd_exposure"]
        few = " Few events: read with care." if then["judged_events"] < 5 else ""
        currency, when = self.schema.currency, format_month(pd.Timestamp(self.dates.mature))
        return (
            f"The last forecast that can be judged, of {when}: {self.schema.event} expected of "
            f"{format_money(then['judged_pd_exposure'], currency)}, observed of "
            f"{format_money(then['judged_event_exposure'], currency)}, {format_factor(ratio)} times as much.{few}"
        )

    def fields(self) -> list[str]:
        """Return the fields that expected loss can be shown by, loan-to-value first."""
        several = overview_data.cells(self.selection, self.dates.latest)["field"].value_counts()
        names = [name for name in overview_data.fields(self.selection) if several.get(name, 0) > 1]
        return sorted(names, key=lambda name: name != LTV_BAND)

    def label(self, field: str) -> str:
        """Return what a field is called."""
        return overview_data.label(self.schema, field)

    def rate(self) -> float:
        """Return the whole's expected loss over exposure."""
        return float(self.whole[self.amount] / self.whole["scored_exposure"])

    def by(self, field: str) -> Shown:
        """Return expected loss by a field, the highest rate first (loan-to-value in its own order)."""
        cells = overview_data.cells(self.selection, self.dates.latest)
        own = cells[(cells["field"] == field) & (cells["scored_exposure"] > 0)]
        label = overview_data.label(self.schema, field)
        frame = pd.DataFrame(
            {
                "value": own["value"],
                "loans": own["scored"].astype(int),
                "exposure": own["scored_exposure"],
                "mean_pd": own["pd"] / own["scored"],
                "amount": own[self.amount],
                "rate": own[self.amount] / own["scored_exposure"],
            }
        ).assign(loss_text=[format_money(amount, self.schema.currency) for amount in own[self.amount]])
        if field == LTV_BAND:
            places = {name: place for place, name in enumerate(BAND_NAMES)}
            frame = frame.sort_values("value", key=lambda names: names.map(places), ignore_index=True)
        else:
            frame = frame.sort_values("rate", ascending=False, ignore_index=True).head(TOP)
        name = "Expected loss" if self.lgd is not None else f"Expected {self.schema.event}"
        when = "" if self.dates.latest == "all" else format_month(pd.Timestamp(self.dates.latest))
        return Shown(
            frame,
            label,
            "rate",
            "share",
            self._title(frame, name, label.lower()),
            f"Basis points of exposure by {label.lower()}{', ' + when if when else ''}; dashed: all, "
            f"{int(self.whole['scored']):,} {self.schema.subject}s; {describe_filters(self.view)}",
            self._definition(),
            when,
        )

    def _title(self, frame: pd.DataFrame, name: str, label: str) -> str:
        known = frame[(frame["value"] != MISSING) & (frame["loans"] >= 30)].sort_values("rate", ascending=False)
        if known.empty:
            return f"{name}: too few loans in every group to rank them"
        top = known.iloc[0]
        return (
            f"{name} highest for {label} {top['value']}: {1e4 * top['rate']:.1f} basis points, "
            f"book {1e4 * self.rate():.1f}"
        )

    def _definition(self) -> str:
        text = (
            "Σ PD · LGD · EAD: the champion's PD, the exposure at the observation date, and the LGD of the loan's band."
        )
        if self.lgd is None:
            text = "Σ PD · EAD: the champion's PD and the exposure at the observation date. No LGD is known."
            return f"{text} Groups of fewer than 30 loans are not named in the title."
        months = self.schema.horizon_months + overview_data.WORKOUT
        return (
            f"{text} LGD = Σ losses booked within {months} months of the observation / Σ exposure then, over loans "
            f"that defaulted {self.schema.within}; undiscounted, without costs of recovery, of the whole portfolio "
            "whatever the filters. Bands with fewer than 30 defaults are pooled with the band below."
        )

    def lgd_table(self) -> pd.DataFrame | None:
        """Return the LGD by band for the Risk reading, or None without one."""
        if self.lgd is None or self.view.business:
            return None
        return pd.DataFrame(
            {
                "Loan-to-value": self.lgd["band"],
                "Defaults": self.lgd["defaults"],
                "LGD": [format_share(rate) for rate in self.lgd["lgd"]],
                "Lost": [format_money(loss, self.schema.currency) for loss in self.lgd["loss"]],
                "Of": [format_money(owed, self.schema.currency) for owed in self.lgd["exposure"]],
                "Pooled": self.lgd["pooled"],
            }
        )

    def model_name(self) -> str:
        """Return the model's reference and hash for the definition."""
        return format_list([f"{self.model.ref} ({self.model.sha256[:12]}…)"] if self.model else [])

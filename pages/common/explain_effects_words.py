"""What models do along one feature, in words: accumulated local effects, partial dependence, single loans' curves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics import effects
from analytics.odds import Floats, to_factor
from analytics.words import format_factor, format_list, format_number, format_points, format_share, format_value
from pages.common import explain_feature_data as data
from pages.common.explain_words import Words
from pages.common.show import Definition

CORRELATED = 0.3  # rank correlation from which partial dependence is warned of by name
INNER = (0.05, 0.95)  # quantiles between which a line is read: its ends rest on few loans
ALE = (
    "What the model does when this value moves a little, among loans that really have values nearby: in each bin the "
    "loans' value is set to both ends of the bin, and the mean differences add up from left to right. 0 is the average "
    "of the sampled loans. Other features stay as they are, so correlated features do not lead to loans that do not "
    "exist. Loans without a value are left out. The interval in the table is for the sampled loans as a sample of the "
    "book, not for the model's own uncertainty."
)
ALE_FORMULA = (
    "ALE(z_k) = Σ_{j≤k} mean over loans with z_{j−1} < x_f ≤ z_j of [f(z_j, x_rest) − f(z_{j−1}, x_rest)] − c;  "
    "20 quantile bins;  c: mean over the loans (Apley and Zhu 2020)"
)
PDP = (
    "The average forecast if every sampled loan had this value, all else as it is. Correlated features make "
    "this a question about loans that hardly exist: a tiny income with a huge loan, say. There the models extrapolate, "
    "and the line may bend where no loan is. Where features move together, trust ALE more. The interval is of the mean "
    "over the sampled loans as a sample of the book; differences between values are of the same loans, hence surer."
)
PDP_FORMULA = "PDP(v) = mean over loans of f(x_f = v, x_rest)"
ICE = (
    "One thin line a loan: its forecast if its value moved over the range, all else as it is. Parallel lines mean that "
    "the feature acts alike on all loans; lines that fan out or cross mean that it acts together with others. The mean "
    "of all sampled loans' lines is the partial dependence. The table has the quantiles of the lines."
)


@dataclass(frozen=True)
class Effect:
    """A table by model and the words of its figure."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: Definition


@dataclass(frozen=True)
class Loans:
    """Single loans' curves over a grid, their quantiles and the words of their figure."""

    curves: Floats
    grid: list[Any]
    table: pd.DataFrame
    title: str
    subtitle: str
    definition: Definition


class EffectWords(Words):
    """What the One feature section says of effects."""

    @property
    def refs(self) -> tuple[str, ...]:
        """The models that explained the snapshot."""
        return tuple(self.labels)

    def is_number(self, feature: str) -> bool:
        """Whether a feature is a number."""
        return self.schema.get(feature).kind == "number"

    def doing(self, what: str) -> str:
        """Return what is worked out, for the wait."""
        count = data.ALE_LOANS if what == "ALE" else data.ICE_LOANS
        asked = format_list(list(self.labels.values()))
        return f"Asking {asked} about {count:,} {self.schema.subject}s (the first question loads the models) …"

    def problem_of(self, feature: str) -> str:
        """Return why a feature has no effects to show, or ""."""
        values = data.loans(self.selection, self.refs, self.key)[feature].nunique()
        if values >= 2:
            return ""
        return f"{self.feature_labels[feature]} has {'one value' if values else 'no value'} among the loans chosen."

    def ale(self, feature: str, scale: str) -> Effect:
        """Return every model's accumulated local effects."""
        frame = data.ale(self.selection, self.refs, self.key, feature, scale)
        n = int(frame.groupby("model")["n"].sum().max())
        subtitle = f"Accumulated local effects on the {scale}, 0 = average, {n:,} sampled {self._where()}"
        return Effect(frame, self._moved(frame, feature, scale), subtitle, self._definition(ALE, ALE_FORMULA))

    def pdp(self, ref: str, feature: str, scale: str) -> Effect:
        """Return every model's partial dependence; `ref` is the model that a category's finding is of."""
        frame = data.pdp(self.selection, self.refs, self.key, feature, scale)
        subtitle = (
            f"Partial dependence: mean {scale} if all had the value, {int(frame['n'].max()):,} sampled {self._where()}"
        )
        title = (
            self._moved(frame, feature, scale)
            if self.is_number(feature)
            else self._extremes(frame[frame["model"] == ref], ref, feature, scale)
        )
        return Effect(frame, title, subtitle, self._definition(PDP, PDP_FORMULA))

    def ice(self, ref: str, feature: str, scale: str, *, centred: bool) -> Loans:
        """Return single loans' curves of one model."""
        found = data.curves(self.selection, self.refs, ref, self.key, feature)
        every = effects.to_scale(found.pds, scale)
        every = effects.centre(every) if centred else every
        up = float((every[:, -1] - every[:, 0] > 1e-9).mean())
        down = float((every[:, -1] - every[:, 0] < -1e-9).mean())
        ends = [format_value(found.grid[place], self.units[feature]) for place in (0, -1)]
        title = (
            f"{self.labels[ref]}: going from {ends[0]} to {ends[1]} raises the PD of {_percent(up)} of "
            f"{self.schema.subject}s and lowers that of {_percent(down)}"
        )
        shown = every[np.linspace(0, len(every) - 1, min(data.SHOWN_CURVES, len(every))).astype(int)]
        subtitle = (
            f"{'PD' if scale == 'PD' else 'Log-odds'} of {len(shown)} of {len(every):,} sampled {self.schema.subject}s "
            f"over {self.feature_labels[feature]}{', each from 0' if centred else ''}, {self.when()}"
        )
        levels = (0.05, 0.25, 0.5, 0.75, 0.95)
        table = pd.DataFrame(np.quantile(every, levels, axis=0).T, columns=[f"{level:.0%}" for level in levels])
        table.insert(0, "value", found.grid)
        version = next(f"{item.ref} ({item.sha256[:10]}…)" for item in self.views if item.ref == ref)
        definition = Definition(ICE, "ICE_i(v) = f(x_f = v, x_rest of loan i)", self.key, version)
        return Loans(shown, found.grid, table.assign(mean=every.mean(axis=0)), title, subtitle, definition)

    def warning(self, feature: str) -> str:
        """Return what to beware of in partial dependence, in plain words."""
        found = data.companion(self.selection, self.refs, self.key, feature)
        label = self.feature_labels[feature]
        same = f"Partial dependence gives every {self.schema.subject} the same {label}, whatever else it has"
        if not self.is_number(feature):
            return f"{same}: some of those combinations hardly occur."
        if found is None or abs(found[1]) < CORRELATED:
            most = format_number(CORRELATED)
            return f"{same}. No other number moves much with it here (rank correlations below {most})."
        name, size = found
        return (
            f"{label} moves with {self.feature_labels[name]} (rank correlation {format_number(size, 2)}). Partial "
            f"dependence changes {label} alone, so parts of these lines are about {self.schema.subject}s that hardly "
            "exist. Where it differs from ALE, trust ALE."
        )

    def _where(self) -> str:
        return f"{self.schema.subject}s, {self.when()}"

    def _definition(self, text: str, formula: str) -> Definition:
        return Definition(text, formula, self.key, self.models())

    def _moved(self, frame: pd.DataFrame, feature: str, scale: str) -> str:
        """Return by how much each model's line moves between the 5 and 95 % quantiles of the feature."""
        known = data.loans(self.selection, self.refs, self.key)[feature].dropna()
        low, high = (float(end) for end in known.quantile(list(INNER)))
        if low == high:
            low, high = float(known.min()), float(known.max())
        parts = []
        for ref in [name for name in self.labels if name in set(frame["model"])]:
            own = frame[frame["model"] == ref]
            step = float(np.diff(np.interp([low, high], own["value"].astype(float), own["effect"]))[0])
            said = format_points(step) if scale == "PD" else f"× {format_factor(to_factor(step))}"
            parts.append(f"{said} by {self.labels[ref]}")
        unit = self.units[feature]
        what = "PD" if scale == "PD" else "odds"
        return (
            f"{self.feature_labels[feature]} from {format_value(low, unit)} to {format_value(high, unit)}: {what} "
            f"{', '.join(parts)}"
        )

    def _extremes(self, own: pd.DataFrame, ref: str, feature: str, scale: str) -> str:
        """Return where a model's averages (`own`) are highest and lowest."""
        if own.empty:
            return f"{self.labels[ref]} does not read {self.feature_labels[feature]}"
        high, low = own.iloc[int(own["effect"].argmax())], own.iloc[int(own["effect"].argmin())]
        if high["effect"] - low["effect"] < 1e-9:
            return f"{self.feature_labels[feature]} does not move {self.labels[ref]}"
        if scale == "PD":
            most, least = format_share(high["effect"]), format_share(low["effect"])
            said = f"{most} with {high['value']}, {least} with {low['value']}"
            return f"{self.feature_labels[feature]}: average PD by {self.labels[ref]} {said}"
        factor = format_factor(to_factor(high["effect"] - low["effect"]))
        return (
            f"{self.feature_labels[feature]}: the odds by {self.labels[ref]} are {factor} times as high with "
            f"{high['value']} as with {low['value']}"
        )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

"""Segments put into words: where a challenger is better, no worse or worse, where PDs do not fit, the weak spots."""

from dataclasses import dataclass

import pandas as pd

from analytics.figures.template import LOWERS, ROSE, SLATE, SMALL
from analytics.performance import METRICS
from analytics.words import format_factor, format_list, format_number, format_share
from pages.common import compare_slices, overview_data
from pages.common.compare_pair import Pair, bare
from pages.common.compare_words import Words
from pages.common.shell import describe_filters

LEVEL = "level"
MOST_TELLING = ""
TELLING, MOST = 14, 60  # rows of the first look, and of any
LONG = 90  # characters of a rule that a title can bear
AGAINST = "against"
TOO_FEW = "too few to tell"
HOLLOW = ("no worse", TOO_FEW)  # open markers: neither is to look like a clear difference
PLAIN = {"gini": "Ranking (Gini)", "auc": "Ranking (AUC)", "brier": "Accuracy (Brier score)", LEVEL: "Level of PDs"}
RISK = {"gini": "ΔGini", "brier": "ΔBrier score", LEVEL: "Observed / expected"}
DOES = {"gini": "ranks", "auc": "ranks", "ks": "separates", "brier": "forecasts", "log_loss": "forecasts"}
DIFFERENCES = (
    "Challenger − champion on the same rows of a segment, clustered by loan, against Student's t with one degree of "
    "freedom less than the segment's loans with (or without) the event. Thick: the segment's own interval. Thin: the "
    "simultaneous interval (Bonferroni), all of which hold together. **Better** and **worse** are claimed by Holm's "
    "p-values over all segments, fields and challengers, which may claim a little more than the thin interval shows. "
    "**No worse** means that a worsening beyond the policy's margin is ruled out; it also goes before a clear "
    "worsening within the margin. Fewer than 30 rows or 5 events: grey, and no claim."
)
LEVELS = (
    "Observed over expected events by segment, for both models. Thick: Jeffreys interval of the segment alone, on the "
    "effective number of rows where loans repeat; thin: simultaneous (Bonferroni over all segments and models). Claims "
    "go by Holm. Shaded: what the policy lets pass. Fewer than 30 rows, or 5 events both observed and expected: grey."
)
SPOTS = {
    AGAINST: "A tree of depth 3 on the features looks for groups where the models' log losses differ. It grows on one "
    "half of the loans; the figure and the p-values are those of the other half, which it has not seen (honest trees: "
    "Athey and Imbens 2016). Intervals are simultaneous, findings by Holm over the groups. Above 0 the challenger is "
    "worse: a weak spot.",
    "": "A tree of depth 3 on the features looks for groups where outcomes differ from the PDs. It grows on one half "
    "of the loans; the figure and the p-values are those of the other half, which it has not seen (honest trees: Athey "
    "and Imbens 2016). Jeffreys intervals, simultaneous over the groups; findings by Holm. Above 0 the PD is too low.",
}


@dataclass(frozen=True)
class Forest:
    """A forest plot's rows and words, and the whole table behind it."""

    rows: pd.DataFrame
    table: pd.DataFrame
    colours: dict[str, str]
    title: str
    subtitle: str
    axis: str
    definition: str


class SegmentWords:
    """What can be said about a sample's segments; `pair` is None where there is one model only."""

    def __init__(self, words: Words, sample: str, pair: Pair | None) -> None:
        self.words, self.sample, self.pair = words, sample, pair
        self.selection, self.schema = words.selection, words.schema
        self.fields = compare_slices.fields(self.selection, sample)
        self.level = compare_slices.policy(self.selection).level
        views = (pair.champion, pair.challenger) if pair else words.views[:1]
        self.views = {view.ref: view for view in views}

    def _number(self, count: int) -> str:
        one, many = ("group of loans", "groups of loans") if self.words.view.business else ("segment", "segments")
        return f"{count} {one if count == 1 else many}"

    def measures(self) -> dict[str, str]:
        """Return what segments can be compared by, with its label."""
        names = [*(compare_slices.measures(self.selection) if self.pair else ()), LEVEL]
        known = self.words.view.word("", "Δ")
        own = PLAIN if self.words.view.business else RISK
        return {name: own[name] if name in own else known + METRICS[name].label for name in names}

    def field_label(self, field: str) -> str:
        """Return what a field is called."""
        return overview_data.label(self.schema, field) if field else "Most telling"

    def margin(self, measure: str) -> float | None:
        """Return the dotted line: how much worse still counts as no worse, on the measure's own axis."""
        margin = compare_slices.margins(self.selection).get(measure)
        if margin is None:
            return None
        return -margin if METRICS[measure].better == "higher" else margin

    def forest(self, measure: str, field: str) -> Forest:
        """Return the segments of one field, or the most telling of all, by one measure."""
        return self._levels(field) if measure == LEVEL else self._differences(measure, field)

    def _differences(self, measure: str, field: str) -> Forest:
        if self.pair is None:
            raise LookupError("asked for differences where there is one model only")
        every = compare_slices.differences(self.selection, self.sample)
        own = every[(every["challenger"] == self.pair.challenger.ref) & (every["metric"] == measure)]
        table = own.assign(
            group=own["field"].map(self.field_label), label=own["segment"], value=own["difference"],
            series=own["verdict"].where(own["reason"] == "", TOO_FEW), low_wide=own["low_simultaneous"],
            high_wide=own["high_simultaneous"], small=own["reason"] != "", beside=_counts(own),
        )  # fmt: skip
        colour = self.pair.challenger.colour
        colours = {"better": colour, "no worse": colour, "not clear": SLATE, "worse": ROSE, TOO_FEW: SMALL}
        champion, challenger = self.pair.names
        tests = int((every[every["metric"] == measure]["reason"] == "").sum())
        side = "right" if METRICS[measure].better == "higher" else "right, on a turned axis"
        return Forest(
            _choose(table[table["value"].notna()], field, table["p_holm"]),
            own,
            colours,
            self._difference_title(measure, own),
            f"{METRICS[measure].label}, {challenger} − {champion}, {self._scope(tests)}",
            f"{METRICS[measure].label}: {challenger} is better to the {side}",
            f"{METRICS[measure].label}: {METRICS[measure].definition}. {DIFFERENCES}",
        )

    def _scope(self, tests: int) -> str:
        percent = format_share(self.level, 0)
        wide = self.words.view.word(
            f"thick: {percent} interval; thin: all {tests} at once",
            f"thick: {percent} alone, thin: {percent} of all {tests} tests together (Bonferroni); claims by Holm",
        )
        shown = describe_filters(self.words.view)
        return f"{self.words.window(self.sample)}; {wide}; {shown}"

    def _difference_title(self, measure: str, own: pd.DataFrame) -> str:
        challenger, does = (self.pair.names[1] if self.pair else ""), DOES[measure]
        tested = own[own["reason"] == ""]
        better, bounded, worse = (tested[tested["verdict"] == name] for name in ("better", "no worse", "worse"))
        total = len(tested)
        if not total:
            return f"No segment has enough {self.schema.event}s to compare the models in it"
        more = f"; no worse in {len(bounded)} more" if len(bounded) else ""
        if len(worse):
            names = self._names(worse)
            return f"{challenger} {does} worse for {names}; better in {len(better)} of {self._number(total)}{more}"
        if len(better):
            none = f"{challenger} {does} better in {len(better)} of {self._number(total)} and worse in none"
            return none + more
        known = f"; {challenger} is no worse in {len(bounded)}" if len(bounded) else ""
        return f"{challenger} is neither clearly better nor worse in any of {self._number(total)}{known}"

    def _names(self, rows: pd.DataFrame) -> str:
        clearest = rows.sort_values("p_holm")
        named = [
            f"{self.field_label(f)} {name}" for f, name in zip(clearest["field"], clearest["segment"], strict=True)
        ]
        return format_list(named[:3] + ([f"{len(named) - 3} more"] if len(named) > 3 else []))

    def _levels(self, field: str) -> Forest:
        every = compare_slices.levels(self.selection, self.sample)
        own = every[every["model"].isin(list(self.views))]
        table = own.assign(
            group=own["field"].map(self.field_label), label=own["segment"], value=own["o_e_ratio"],
            series=own["model"].map({ref: view.label for ref, view in self.views.items()}),
            low_wide=own["low_simultaneous"], high_wide=own["high_simultaneous"], small=own["reason"] != "",
            beside=_counts(own),
        )  # fmt: skip
        first = table.groupby(["field", "segment"], sort=False)["p_holm"].transform("min")
        return Forest(
            _choose(table[table["value"].notna()], field, first, len(self.views)),
            own,
            {view.label: view.colour for view in self.views.values()},
            self._level_title(own),
            f"Observed over expected {self.schema.event}s, {self._scope(int((every['reason'] == '').sum()))}",
            "observed / expected: PDs are too low to the right of 1, too high to the left",
            LEVELS,
        )

    def _level_title(self, own: pd.DataFrame) -> str:
        parts = []
        for ref, view in self.views.items():
            tested = own[(own["model"] == ref) & (own["reason"] == "")]
            wrong = tested[tested["p_holm"] < 1 - self.level]
            name = bare(view.label)
            if not len(tested):
                return f"No segment has enough {self.schema.event}s to judge the level of the PDs in it"
            if wrong.empty:
                parts.append(f"{name}'s PDs show no clear misfit in {self._number(len(tested))}")
                continue
            top = wrong.sort_values("p_holm").iloc[0]
            where = f"{self.field_label(top['field'])} {top['segment']}"
            clearest = f"clearest {where} ({format_factor(top['o_e_ratio'])} × expected)"
            parts.append(f"{name}'s PDs miss in {len(wrong)} of {self._number(len(tested))}, {clearest}")
        return "; ".join(parts)

    def spot_choices(self) -> dict[str, str]:
        """Return whose weak spots can be looked for, with their labels."""
        own = {ref: f"PDs of {bare(view.label)}" for ref, view in self.views.items()}
        if self.pair is None:
            return own
        champion, challenger = self.pair.names
        return {AGAINST: f"{challenger} against {champion}", **own}

    def spots(self, choice: str) -> Forest:
        """Return the weak spots of the challenger against the champion, or of one model's PDs.

        Raises ValueError where there are too few loans to look for any.
        """
        return self._loss_spots() if choice == AGAINST else self._pd_spots(choice)

    def _loss_spots(self) -> Forest:
        if self.pair is None:
            raise LookupError("asked for differences where there is one model only")
        champion, challenger = self.pair.names
        found = compare_slices.loss_spots(self.selection, self.sample, self.pair.challenger.ref, self.pair.champion.ref)
        colours = {"weak spot": ROSE, "better here": self.pair.challenger.colour, "not clear": SLATE, TOO_FEW: SMALL}
        weak, better = found[found["finding"] & (found["excess"] > 0)], found[found["finding"] & (found["excess"] < 0)]
        tested = int((found["reason"] == "").sum())
        if not tested:
            title = self._no_spots()
        elif len(weak):
            top = weak.iloc[0]
            losses = f"log loss {format_number(top['observed'], 3)} against {format_number(top['expected'], 3)}"
            title = f"{challenger} is weaker than {champion} {_where(top['rule'])}: {losses}"
        else:
            title = f"No group of loans shows {challenger} weaker than {champion}"
            title += f"; better in {len(better)} of {tested} groups" if len(better) else ""
        return Forest(
            _spot_rows(found, "weak spot", "better here"),
            found,
            colours,
            title,
            self._spot_scope(found),
            f"log loss, {challenger} − {champion}: {challenger} is weaker to the right",
            SPOTS[AGAINST],
        )

    def _pd_spots(self, ref: str) -> Forest:
        found = compare_slices.pd_spots(self.selection, self.sample, ref)
        low, high = f"more {self.schema.event}s than expected", f"fewer {self.schema.event}s than expected"
        name = bare(self.views[ref].label)
        wrong = found[found["finding"]]
        tested = int((found["reason"] == "").sum())
        if not tested:
            title = self._no_spots()
        elif len(wrong):
            above = wrong[wrong["excess"] > 0]
            top = (above if len(above) else wrong).iloc[0]
            size = f"{format_share(top['observed'])} observed, {format_share(top['expected'])} expected"
            title = f"{name}'s PDs are too {'low' if top['excess'] > 0 else 'high'} {_where(top['rule'])}: {size}"
        else:
            title = f"No group of loans shows {name}'s PDs wrong: none of {tested} holds on the other half"
        return Forest(
            _spot_rows(found, low, high),
            found,
            {low: ROSE, high: LOWERS, "not clear": SLATE, TOO_FEW: SMALL},
            title,
            self._spot_scope(found),
            f"observed rate − mean PD of {name}",
            SPOTS[""],
        )

    def _no_spots(self) -> str:
        return f"Too few {self.schema.event}s to look for weak spots: no group has enough to be judged"

    def _spot_scope(self, found: pd.DataFrame) -> str:
        rows, percent = format_number(found["n"].sum()), format_share(self.level, 0)
        half = f"{len(found)} groups found on half of the loans, judged on {rows} rows of the others"
        return f"{half}; {percent} simultaneous intervals; {self.sample}, {describe_filters(self.words.view)}"


def _where(rule: str) -> str:
    """Return the place of a group in a title; a rule that would fill it is read off the figure's first row."""
    return f"where {rule}" if len(rule) <= LONG else "in the first group below"


def _counts(frame: pd.DataFrame) -> list[str]:
    return [f"{n:,} · {events:,}" for n, events in zip(frame["n"], frame["events"], strict=True)]


def _choose(table: pd.DataFrame, field: str, p_holm: pd.Series, models: int = 1) -> pd.DataFrame:
    """Return the rows of one field, or of all fields those that are clearest, then those with most events."""
    if field:
        return table[table["field"] == field].head(MOST * models).reset_index(drop=True)
    order = table.assign(_first=p_holm.reindex(table.index).fillna(2.0).clip(lower=0.05))
    order = order.sort_values(["_first", "events"], ascending=[True, False], kind="stable").head(TELLING * models)
    return table.loc[order.index.sort_values()].reset_index(drop=True)


def _spot_rows(found: pd.DataFrame, above: str, below: str) -> pd.DataFrame:
    """Return the leaves as rows of a forest plot."""
    series = pd.Series("not clear", index=found.index, dtype=object)
    series = series.mask(found["finding"] & (found["excess"] > 0), above)
    series = series.mask(found["finding"] & (found["excess"] < 0), below).mask(found["reason"] != "", TOO_FEW)
    rows = found.assign(
        group="", label=found["rule"], series=series, value=found["excess"], low_wide=found["low"],
        high_wide=found["high"], small=found["reason"] != "", beside=_counts(found),
    )  # fmt: skip
    return rows.assign(low=float("nan"), high=float("nan"))[rows["value"].notna()].reset_index(drop=True)

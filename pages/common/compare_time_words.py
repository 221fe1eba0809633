"""Models through time put into words: who leads in which period, what is still open, who forecasts better."""

from dataclasses import dataclass

import pandas as pd

from analytics.performance import METRICS
from analytics.words import format_interval, format_list, format_number, format_p_value
from pages.common import compare_slices
from pages.common.compare_pair import Pair, bare
from pages.common.compare_slices import VINTAGE, Forecast
from pages.common.compare_words import Words
from pages.common.shell import describe_filters

LABELS = {"month": "Month", "quarter": "Quarter", "year": "Year", VINTAGE: "Year granted"}
PLURALS = {"month": "months", "quarter": "quarters", "year": "years", VINTAGE: "vintages"}
PLAIN = {
    "gini": "Ranking (Gini)",
    "ks": "Separation (KS)",
    "brier": "Accuracy (Brier score)",
    "log_loss": "Accuracy (log loss)",
    "o_e_ratio": "Level of PDs",
}
SAID = {"gini": "Gini", "ks": "KS", "brier": "Brier score", "log_loss": "log loss"}  # within a sentence
WINDOWS = 3  # outcome windows beside each other: with fewer, a test over dates has next to nothing to go by
NO_DATES = (
    "This portfolio has no observation dates and no date of granting, so its models cannot be followed through time; "
    "the other sections compare them on all rows."
)
NO_TEST_DATES = "Rows have no observation date: losses cannot be put in order of time, so no test over dates is made."
PERIODS = (
    "Each period is judged by its own rows with a known outcome, with intervals clustered by loan for that period "
    "alone; periods share loans, so neighbours are not independent. Shaded, the darker the more: outcome windows are "
    "still open, and what is known there is not final. Hollow: less than half known, or fewer than 30 rows or 5 "
    "events, whose intervals may go beyond the axis."
)
LOSSES = (
    "Mean log loss by observation date, challenger − champion: below 0 the challenger is better. Diebold–Mariano "
    "(1995) tests whether its mean is 0, with Newey–West's variance over the dates whose outcome windows overlap and "
    "the small-sample factor of Harvey, Leybourne and Newbold (1997), against Student's t. **Caveat:** dates are the "
    "observations, so few dates say little however many loans; the test takes the difference to be stable over time "
    "and the models as given, and every date counts the same. Grey: fewer than 5 events."
)


@dataclass(frozen=True)
class Course:
    """A table by period or date with its words."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: str
    note: str = ""


class TimeWords:
    """What can be said about a sample through time."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample = words, sample
        self.selection, self.schema = words.selection, words.schema
        self.grains = {name: LABELS[name] for name in compare_slices.grains(self.selection, sample)}
        self.dated = any(name != VINTAGE for name in self.grains)

    def metrics(self) -> dict[str, str]:
        """Return the metrics to be followed, with their labels."""
        plain = self.words.view.business
        return {name: PLAIN[name] if plain else METRICS[name].label for name in compare_slices.METRICS}

    def course(self, metric: str, grain: str) -> Course:
        """Return a metric of every model by period."""
        every = compare_slices.by_period(self.selection, self.sample, grain)
        own = every[every["metric"] == metric]
        own = own.assign(period_label=[_name(period, grain) for period in own["period"]])
        first = own.drop_duplicates("period")
        shown = f"{METRICS[metric].label} by {LABELS[grain].lower()}, {self.words.window(self.sample)}"
        return Course(
            own,
            self._title(metric, own, PLURALS[grain]),
            f"{shown}; {describe_filters(self.words.view)}",
            f"{METRICS[metric].label}: {METRICS[metric].definition}. {PERIODS}",
            self._open(first),
        )

    def _open(self, first: pd.DataFrame) -> str:
        """Return what is not known yet."""
        missing = int((first["rows"] - first["n"]).sum())
        if not missing:
            return "Every outcome window here is closed."
        open_ = first.loc[~first["mature"].astype(bool), "period_label"]
        span = open_.iloc[0] if len(open_) == 1 else f"{open_.iloc[0]} to {open_.iloc[-1]}"
        return (
            f"Outcomes of {missing:,} observations are not known yet ({span}, shaded): a {self.schema.event} "
            f"{self.schema.within} may still come. They are left out."
        )

    def _title(self, metric: str, own: pd.DataFrame, periods: str) -> str:
        known = _telling(own)
        total = known["period"].nunique()
        if not total:
            return f"None of these {periods} has outcomes of both kinds to judge by"
        few = f"; too few {self.schema.event}s in each to tell" if known["small"].astype(bool).all() else ""
        if metric == "o_e_ratio":
            return self._level_title(known, periods, total) + few
        if known["model"].nunique() < 2:
            return self._range(metric, known, periods, total) + few
        return self._lead(metric, known, periods) + few

    def _lead(self, metric: str, known: pd.DataFrame, periods: str) -> str:
        better = METRICS[metric].better
        table = known.pivot(index="period", columns="model", values="estimate").dropna()
        best = table.idxmax(axis=1) if better == "higher" else table.idxmin(axis=1)
        winner = str(best.value_counts().index[0])
        name, wins = bare(self.words.labels[winner]), int((best == winner).sum())
        word = better if table.shape[1] == 2 else {"higher": "highest", "lower": "lowest"}[better]
        own_range = self._span(metric, known[known["model"] == winner])
        return f"{name} has the {word} {SAID[metric]} in {wins} of {_count(len(table), periods)}, {own_range}"

    def _range(self, metric: str, known: pd.DataFrame, periods: str, total: int) -> str:
        name = bare(self.words.labels[str(known["model"].iloc[0])])
        return f"{name}'s {SAID[metric]} lies {self._span(metric, known)} over {_count(total, periods)}"

    def _span(self, metric: str, known: pd.DataFrame) -> str:
        digits = 4 if metric in ("brier", "log_loss") else 2
        low, high = (format_number(value, digits) for value in (known["estimate"].min(), known["estimate"].max()))
        return f"between {low} and {high}" if low != high else f"at {low}"

    def _level_title(self, known: pd.DataFrame, periods: str, total: int) -> str:
        asked = compare_slices.policy(self.selection)
        outside = ~known["estimate"].between(asked.calibration_low, asked.calibration_high)
        counts = known.assign(_outside=outside).groupby("model", sort=False)["_outside"].sum()
        bounds = f"{asked.calibration_low:g} to {asked.calibration_high:g}"
        if not counts.any():
            return f"Every model's observed/expected is within the policy's {bounds} in {_count(total, periods)}"
        parts = [f"{bare(self.words.labels[str(ref)])} in {count}" for ref, count in counts.items()]
        return f"Observed/expected is outside the policy's {bounds}: {format_list(parts)} of {_count(total, periods)}"

    def losses(self, pair: Pair) -> Course:
        """Return two models' losses by date with the test on their difference."""
        found = compare_slices.forecast(self.selection, self.sample, pair.challenger.ref, pair.champion.ref)
        return Course(
            found.series,
            self._loss_title(found, pair),
            self._loss_subtitle(found),
            LOSSES,
            self._caveat(found),
        )

    def _loss_title(self, found: Forecast, pair: Pair) -> str:
        champion, challenger = pair.names
        wins, total = int((found.series["difference"] < 0).sum()), len(found.series)
        often = f"{challenger} has the lower log loss at {wins} of {total} dates"
        if found.test is None or found.windows < WINDOWS:
            return f"{often}, too few dates to test" if found.test is not None else often
        if found.test.p_value >= 1 - compare_slices.policy(self.selection).level:
            return f"{often}; over time {challenger} and {champion} cannot be told apart"
        better, worse = (challenger, champion) if found.test.mean < 0 else (champion, challenger)
        return f"{often}; over time {better} forecasts better than {worse}"

    def _loss_subtitle(self, found: Forecast) -> str:
        shown = f"Log loss by observation date, challenger − champion, {self.words.window(self.sample)}"
        if found.test is None or self.words.view.business:
            return shown
        test = found.test
        return (
            f"{shown}; mean {format_number(test.mean, 5)} {format_interval(test.low, test.high, digits=5)}, "
            f"Diebold–Mariano {format_number(test.statistic, 2)}, {format_p_value(test.p_value)}, {test.lags} lags"
        )

    def _caveat(self, found: Forecast) -> str:
        if found.test is None:
            return f"No test over dates: {found.reason}."
        windows = format_number(found.windows, 1)
        if found.windows < WINDOWS:
            return (
                f"{len(found.series)} dates whose outcome windows overlap hold about {windows} independent ones: the "
                "test over dates (Diebold–Mariano) cannot settle anything here."
            )
        return (
            f"The test over dates (Diebold–Mariano, {format_p_value(found.test.p_value)}) counts dates, not "
            f"{self.schema.subject}s: {len(found.series)} of them, about {windows} outcome windows beside each other."
        )


def _telling(own: pd.DataFrame) -> pd.DataFrame:
    """Return the periods that can be told apart best: large and closed ones, else large ones, else all judged."""
    known = own[own["estimate"].notna()]
    large = known[~known["small"].astype(bool)]
    closed = large[large["mature"].astype(bool)]
    return next((part for part in (closed, large) if len(part)), known)


def _count(total: int, periods: str) -> str:
    """Return a number of periods.

    >>> _count(1, "years"), _count(6, "quarters")
    ('1 year', '6 quarters')
    """
    return f"{total} {periods.removesuffix('s') if total == 1 else periods}"


def _name(period: object, grain: str) -> str:
    """Return a period's name.

    >>> _name(pd.Timestamp("2024-04-01"), "quarter"), _name(pd.Timestamp("2024-04-01"), "month"), _name(2019.0, VINTAGE)
    ('2024 Q2', 'Apr 2024', '2019')
    """
    if grain == VINTAGE:
        return f"{int(float(str(period)))}"
    day = pd.Timestamp(str(period))
    return {"month": f"{day:%b %Y}", "quarter": f"{day.year} Q{day.quarter}", "year": f"{day.year}"}[grain]

"""Calibration put into words: whose PDs fit, how sure the tests are, and what miscalibration costs."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.calibration_tests import CALIBRATION
from analytics.multiplicity import adjust_p_values
from analytics.performance import METRICS
from analytics.words import format_interval, format_list, format_number, format_p_value, format_share
from pages.common import compare_slices, model_data
from pages.common.compare_pair import bare
from pages.common.compare_words import Words
from pages.common.shell import describe_filters, plain

SCORES = {"brier": "Brier score", "log_loss": "Log loss"}
FROM_METRICS = ("o_e_ratio", "calibration_slope", "calibration_in_the_large")
ROWS = ("o_e_ratio", "calibration_slope", "calibration_in_the_large", "ece", "ece_width", "spiegelhalter",
        "hosmer_lemeshow", "joint", "brier_skill")  # fmt: skip
PLAIN_ROWS = ("o_e_ratio", "calibration_slope", "ece", "joint", "brier_skill")
READS = {
    "o_e_ratio": "1 is right; above 1 the PDs are too low",
    "calibration_slope": "1 is right; below 1 the PDs are too far apart",
    "calibration_in_the_large": "0 is right; above 0 the PDs are too low",
    "ece": "mean distance between PD and observed rate; never 0 by chance",
    "ece_width": "the same in bins of equal width",
    "spiegelhalter": "above 0 the Brier score is worse than the PDs promise",
    "hosmer_lemeshow": "mean of a calibrated model is its df",
    "joint": "level and slope at once; mean of a calibrated model is 2",
    "brier_skill": "gain over the observed rate for all; higher is better",
}
CURVE = (
    "CORP reliability curve (Dimitriadis, Gneiting and Jordan 2021): the observed rate at each PD by isotonic "
    "regression, without bins to choose. The band is where the curve would lie, point by point, if the PDs were right: "
    "outcomes drawn from the PDs 400 times and fitted again, widened for loans seen more than once. A curve above its "
    "band says that the PDs there are too low. The title goes by the joint test of level and spread, Holm-adjusted "
    "over the models, and by the intervals of observed/expected and slope; **may be**: an interval leaves out 1, but "
    "the joint test is not clear."
)
PARTS = (
    "CORP parts: score = miscalibration − discrimination + uncertainty, each part non-negative. Miscalibration is what "
    "perfect recalibration would gain, discrimination what ranking gains over giving all loans the observed rate. Both "
    "as a share of uncertainty, which is the same for all models. Chance alone adds to both, less the more events."
)
BIG = (
    "With many loans every p-value is small: first read the size of the miss (observed/expected, slope, ECE beside its "
    "noise), then the tests."
)


@dataclass(frozen=True)
class Shown:
    """A figure's table and words."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: str


class CalibrationWords:
    """What can be said about the calibration of a sample's models."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample = words, sample
        self.fit = compare_slices.fit(words.selection, sample)
        self.metrics = model_data.metrics(words.selection, sample)
        self.level = compare_slices.policy(words.selection).level
        names = {view.ref: bare(view.label) for view in words.views}
        self.models = [(ref, name) for ref, name in names.items() if ref in set(self.fit.tests["model"])]

    def curves(self) -> Shown:
        """Return the reliability curves."""
        where = f"{self.words.window(self.sample)}; {describe_filters(self.words.view)}"
        band = self.words.view.word(
            "band: where the curve lies if the PDs are right",
            f"{format_share(self.level, 0)} pointwise consistency band",
        )
        return Shown(self.fit.curves, self._title(), f"Observed rate by PD without bins, {band}, {where}", CURVE)

    def _title(self) -> str:
        tests = self.fit.tests[self.fit.tests["measure"] == "joint"].set_index("model")
        p_values = dict(zip(tests.index, adjust_p_values(tests["p_value"], "holm"), strict=True))
        said: dict[str, list[str]] = {}
        for ref, name in self.models:
            said.setdefault(self._judge(ref, p_values[ref]), []).append(name)
        parts = [f"PDs of {format_list(names)} {verdict}" for verdict, names in said.items()]
        return "; ".join(parts)

    def _judge(self, ref: str, p_value: float) -> str:
        """Return in words whether a model's PDs fit, and if not in which way."""
        if np.isnan(p_value):
            return "cannot be tested"
        level, slope = (self._metric(ref, name) for name in ("o_e_ratio", "calibration_slope"))
        said = [
            *(["too low"] if level["low"] > 1 else ["too high"] if level["high"] < 1 else []),
            *(["too far apart"] if slope["high"] < 1 else ["too close together"] if slope["low"] > 1 else []),
        ]
        if p_value >= 1 - self.level:
            return f"may be {' and '.join(said)}" if said else "fit the outcomes as far as can be told"
        return f"are {' and '.join(said)}" if said else "do not fit, in level and spread together"

    def _metric(self, ref: str, name: str) -> dict[str, Any]:
        rows = self.metrics[(self.metrics["model"] == ref) & (self.metrics["metric"] == name)]
        return {str(key): value for key, value in rows.iloc[0].items()}

    def table(self) -> pd.DataFrame:
        """Return one row a measure, one column a model, and how to read it; text as Markdown shows it."""
        rows = []
        for measure in PLAIN_ROWS if self.words.view.business else ROWS:
            cells = [_keep_together(self._cell(ref, measure)) for ref, _ in self.models]
            label = METRICS[measure].label if measure in FROM_METRICS else CALIBRATION[measure].label
            rows.append((label, *cells, READS[measure]))
        names = [plain(name) for _, name in self.models]
        return pd.DataFrame(rows, columns=["Measure", *names, "Reads"]).set_index("Measure").map(plain)

    def _cell(self, ref: str, measure: str) -> str:
        if measure in FROM_METRICS:
            found = self._metric(ref, measure)
            if pd.isna(found["estimate"]):
                return "not defined"
            return f"{format_number(found['estimate'], 2)} {format_interval(found['low'], found['high'], digits=2)}"
        tests = self.fit.tests
        row = tests[(tests["model"] == ref) & (tests["measure"] == measure)].to_dict("records")[0]
        if row["reason"]:
            return f"blank: {row['reason']}"
        if measure in ("ece", "ece_width"):
            return f"{format_share(row['value'])} (noise {format_share(row['calibrated'])})"
        if measure == "brier_skill":
            return format_share(row["value"])
        df = "" if pd.isna(row["df"]) else f", {row['df']:.0f} df"
        return f"{format_number(row['value'], 1)}{df}, {format_p_value(row['p_value'])}"

    def numbers(self) -> pd.DataFrame:
        """Return the table's numbers in full, for download."""
        own = self.metrics[self.metrics["metric"].isin(FROM_METRICS)].rename(
            columns={"metric": "measure", "estimate": "value"}
        )
        return pd.concat([own.drop(columns="sample"), self.fit.tests], ignore_index=True)

    def table_definition(self) -> str:
        """Return what each row of the table is."""
        lines = [f"- **{METRICS[name].label}**: {METRICS[name].definition}" for name in FROM_METRICS]
        lines += [f"- **{check.label}**: {check.definition}" for check in CALIBRATION.values()]
        fitted = " The models were fitted on this sample: two df less." if self.sample == "development" else ""
        return (
            "All tests respect loans seen more than once: Spiegelhalter and the joint test by sums over loans, "
            "Hosmer–Lemeshow divided by the mean design effect (Rao and Scott 1981). Hosmer–Lemeshow has as many df as "
            f"groups where PDs are given, two less on the sample that the model was fitted on.{fitted} The ECE's noise "
            "is what a calibrated model would show with as many rows.\n\n" + "\n".join(lines)
        )

    def parts(self, score: str) -> Shown:
        """Return miscalibration and discrimination of a score as shares of its uncertainty."""
        own = self.fit.parts[self.fit.parts["score"] == score]
        frame = own.assign(
            miscalibration_share=own["miscalibration"] / own["uncertainty"],
            discrimination_share=own["discrimination"] / own["uncertainty"],
        )
        place = int((frame["discrimination_share"] - frame["miscalibration_share"]).to_numpy().argmax())
        best, names = str(frame["model"].iloc[place]), dict(self.models)
        gains, costs = (
            format_share(float(frame[f"{part}_share"].iloc[place])) for part in ("discrimination", "miscalibration")
        )
        share = self.words.view.word("of what is uncertain", "of the uncertainty")
        one = f"{names[best]}'s ranking explains {gains} {share}, its miscalibration costs {costs}"
        title = one if len(frame) == 1 else f"{one}: the best balance of {len(frame)} models"
        sub = f"{SCORES[score]} = miscalibration − discrimination + uncertainty, {self.words.window(self.sample)}"
        return Shown(frame, title, sub, PARTS)

    def headings(self) -> tuple[str, str]:
        """Return the headings of the two panels of the parts."""
        return self.words.view.word(
            "What wrong PDs cost (lower is better)", "Miscalibration ÷ uncertainty (lower is better)"
        ), self.words.view.word(
            "What ranking gains (higher is better)", "Discrimination ÷ uncertainty (higher is better)"
        )


def _keep_together(text: str) -> str:
    """Return a cell that a narrow column breaks only between its parts: after commas, before brackets.

    >>> _keep_together("8.0, 2 df, p = 0.018").split(" ")
    ['8.0,', '2\\xa0df,', 'p\\xa0=\\xa00.018']
    """
    whole = re.sub(r"\[.*?\]", lambda interval: interval.group().replace(" ", "\u00a0"), text)
    return re.sub(r"(?<!,) (?![\[(])", "\u00a0", whole)

"""The tests behind the validate page: calibration, discrimination, migrations, concentration, stability, long run."""

import numpy as np
import pandas as pd

from analytics import long_run as long_run_
from analytics import migrations as migrations_
from analytics import stability
from analytics.calibration_tests import Statistic, compute_hosmer_lemeshow_by_grade
from analytics.exclusions import flag_included
from analytics.grade_tests import ALL, compute_grade_tests
from analytics.initial_validation import POOLED_YEARS, InitialTest, compute_initial_test
from analytics.lights import Limits
from analytics.master_scale import MasterScale, assign_grades
from analytics.odds import Floats
from analytics.proportions import add_rate
from analytics.rating_concentration import compute_cv, compute_rating_concentration
from pages.common import cached, model_data
from pages.common.cached import remember
from pages.common.validate_data import (
    LEARNT,
    NOBODY,
    Asked,
    by_year,
    everyone,
    fetch_rows,
    flag,
    included,
    learns_apart,
    policy,
    rows,
    scale,
    scale_keys,
    step,
    tested,
    years,
)
from portfolio.selection import Selection
from portfolio.workspace import UNDATED


@remember
def grades(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return Jeffreys and binomial test by grade, and of the portfolio in the last row."""
    asked = Asked(selection, ref, key)
    criteria, frame = policy(selection), tested(asked)
    exposure = frame["exposure"].fillna(0.0) if frame["exposure"].notna().any() else None
    return compute_grade_tests(
        frame["grade"].to_numpy(),
        frame["pd"],
        frame["y"],
        limits=Limits(*criteria.lights.grade_p),
        exposure=exposure,
        order=scale(asked).grades,
        level=criteria.validation.interval,
    )


def hosmer_lemeshow(asked: Asked) -> Statistic:
    """Return the Hosmer-Lemeshow test over the grades; as many degrees of freedom as grades, since PDs are given."""
    table = grades(asked.selection, asked.ref, asked.key)
    used = table[(table["grade"] != ALL) & (table["n"] > 0)]
    return compute_hosmer_lemeshow_by_grade(used["n"], used["defaults"], used["pd"])


@remember
def initial_auc(selection: Selection, ref: str, key: str) -> tuple[float, str]:
    """Return the AUC at initial validation and where it is from; ValueError where nobody knows one."""
    given = policy(selection).validation.auc_initial
    if given is not None:
        return given, "policy.toml"
    if key == UNDATED:
        raise ValueError(
            "without dates, the loans tested are those of the initial validation; policy.toml can give auc_initial"
        )
    from models.registry import load_card, load_registry

    here = cached.portfolio(selection)
    metrics = load_card(here, load_registry(here).find(ref))["metrics"]
    for sample in ("out-of-sample", LEARNT):
        for row in metrics:
            if (row["sample"], row["metric"]) == (sample, "auc"):
                return float(row["estimate"]), f"the model card, {sample}, on PDs rather than grades"
    raise ValueError("no AUC at initial validation: neither policy.toml nor the model card has one")


@remember
def discrimination(selection: Selection, ref: str, key: str) -> InitialTest:
    """Return the test of the AUC on grades against initial validation, pooled over years where defaults are few."""
    frames = by_year(selection, ref, years(selection, ref, key)[-POOLED_YEARS:], key)
    return compute_initial_test(
        frames["grade"],
        frames["y"],
        auc_initial=initial_auc(selection, ref, key)[0],
        years=frames["year"],
        few_defaults=policy(selection).validation.few_defaults,
    )


@remember
def auc_by_year(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return the AUC on grades by year: date, auc, low, high (95 %), n, defaults; blank where it is undefined."""
    found = []
    for item in years(selection, ref, key):
        row = {"date": item, "auc": np.nan, "low": np.nan, "high": np.nan, "n": 0, "defaults": 0}
        try:
            frame = by_year(selection, ref, (item,), key)
            row |= {"n": len(frame), "defaults": int(frame["y"].sum())}
            test = compute_initial_test(frame["grade"], frame["y"], auc_initial=0.5)
        except ValueError:  # loans of one outcome only: that year has no AUC
            found.append(row)
            continue
        low, high = (test.auc + side * 1.96 * test.s for side in (-1, 1))
        found.append(row | {"auc": test.auc, "low": max(0.0, low), "high": min(1.0, high)})
    return pd.DataFrame(found)


@remember
def migrations(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return loans by grade at the date and a step later; ValueError where the later date was not scored."""
    asked = Asked(selection, ref, key)
    later = later_key(selection, ref, key)
    every = flag(fetch_rows(selection, ref, [key]))
    start = every[flag_included(every)]
    if start.empty:
        raise ValueError(NOBODY)
    bare = Selection(selection.workspace, selection.portfolio)  # a loan may leave the filter, not the book
    after = fetch_rows(bare, ref, [later]).set_index("loan")["pd"]
    end = start["loan"].map(after)
    gone = ~start["loan"].isin(after.index)
    place = pd.Series(pd.NA, index=start.index, dtype="Int64")
    place[end.notna()] = assign_grades(end.dropna(), scale(asked))
    return migrations_.compute_migrations(
        assign_grades(start["pd"], scale(asked)), place, default=start["y"], ended=gone, grades=scale(asked).grades
    )


def later_key(selection: Selection, ref: str, key: str) -> str:
    """Return the scored date a step after `key`; ValueError where there is none."""
    if key == UNDATED:
        raise ValueError("migrations need dates, and this table has none")
    day = pd.Timestamp(key) + step(selection)
    found = [item for item in model_data.scored_keys(selection, ref) if item[:7] == f"{day:%Y-%m}"]
    if not found:
        raise ValueError(f"no scored snapshot in {day:%B %Y}, a year after the validated date")
    return found[0]


@remember
def concentration(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return CV and HI by number and by exposure, against the CV at initial validation or of the scale's loans."""
    table = grades(selection, ref, key)
    each = table[table["grade"] != ALL]
    exposure = each["exposure"] if each["exposure"].notna().all() and each["exposure"].sum() > 0 else None
    return compute_rating_concentration(each["n"], exposure, cv_initial=initial_cv(Asked(selection, ref, key))[0])


def initial_cv(asked: Asked) -> tuple[float | None, str]:
    """Return the CV at initial validation and where it is from; None where the scale was built on the same loans."""
    given = policy(asked.selection).validation.cv_initial
    if given is not None:
        return given, "policy.toml"
    if not learns_apart(asked.selection, asked.ref, asked.key):
        return None, "policy.toml gives none, and the master scale was built on the loans validated"
    return compute_cv(scale(asked).n), "the loans that the master scale was built on"


@remember
def psi(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return the PSI of the grades by date against the last date of the scale: date, psi, critical, p, n, reason.

    Dates are years apart, the validated one among them, and at last the latest that was scored. In a table without
    dates the loans tested are compared with those that the model has learnt from. ValueError where no two differ.
    """
    level = policy(selection).validation.psi_level
    reference, sets = _shares(selection, ref, key)
    found = [(item, stability.compute_psi(reference, counts, level=level)) for item, counts in sets.items()]
    return pd.DataFrame([{"date": item, **vars(result)} for item, result in found])


@remember
def psi_counts(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return loans by grade at the reference date and at the validated one: grade, n_reference, n."""
    reference, sets = _shares(selection, ref, key)
    grades_ = scale(Asked(selection, ref, key)).grades
    return pd.DataFrame({"grade": grades_, "n_reference": reference, "n": sets.get(key, next(iter(sets.values())))})


def _shares(selection: Selection, ref: str, key: str) -> tuple[Floats, dict[str, Floats]]:
    """Return the scored loans by grade of the reference, and of each date that is compared with it."""
    asked = Asked(selection, ref, key)
    if key == UNDATED:
        every = rows(selection, ref, key)
        reference, sets = every[every["sample"] == LEARNT], {UNDATED: everyone(asked)}
    else:
        first = scale_keys(selection, ref, key)[-1]
        later = [item for item in years(selection, ref, key) if item > first]
        reference = rows(selection, ref, first)
        sets = {item: rows(selection, ref, item) for item in [*later, *_latest(selection, ref, key)]}
    if not sets or reference["pd"].notna().sum() == 0:
        raise ValueError("no date before the validated one to compare with")
    own = scale(asked)
    return _count(reference, own), {item: _count(frame, own) for item, frame in sets.items()}


def _latest(selection: Selection, ref: str, key: str) -> list[str]:
    last = model_data.scored_keys(selection, ref)[-1]
    return [last] if last > key else []


def _count(frame: pd.DataFrame, own: MasterScale) -> Floats:
    return stability.count_values(assign_grades(frame["pd"].dropna(), own), own.grades)


@remember
def long_run(selection: Selection, ref: str, key: str) -> tuple[pd.DataFrame, long_run_.LongRun]:
    """Return one-year rates and mean PDs by year (date, n, defaults, rate …, pd), and their average."""
    if key == UNDATED:
        raise ValueError("a long-run average needs dates, and this table has none")
    found = []
    for item in years(selection, ref, key):
        kept = included(Asked(selection, ref, item))
        found.append((item, len(kept), int(kept["y"].sum()), kept["pd"].mean()))
    table = pd.DataFrame(found, columns=["date", "n", "defaults", "pd"])
    average = long_run_.compute_long_run(table)
    return add_rate(table, events="defaults", n="n", level=policy(selection).validation.interval), average

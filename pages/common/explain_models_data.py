"""The tables behind Explain's model against model: differences of two models' attributions, and how far they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from analytics import agreement, concentration, disagreement, swap_set, traits
from analytics.disagreement import LOAN
from pages.common import cached, cohort_data, compare_data, explain_data, model_data, overview_data
from pages.common.cached import hold, remember
from portfolio.schema import Field
from portfolio.selection import Selection, select_rows

SAMPLE = 50_000  # loans whose attributions are ranked one by one; of more those whose ids have the smallest hashes
OTHERS = 15_000  # of the other loans, whose fields the hundred are compared with
COUNT = 100
STEPS = 1_000_000
MOVES = {"Swapped in": ("swapped in",), "Swapped out": ("swapped out",), "Both": ("swapped in", "swapped out")}


@dataclass(frozen=True)
class Agreement:
    """The loans of `agreement.compute_loan_agreement` with their segments, and of how many they are drawn.

    `importance` is the rank correlation of the features' mean |φ|.
    """

    loans: pd.DataFrame
    importance: float
    total: int


@hold
def pair(selection: Selection, key: str, champion: str, challenger: str) -> disagreement.Pair:
    """Return the selection's loans of a snapshot that both models have explained."""
    here, id_name = cached.engine(selection), cached.portfolio(selection).schema.id.name
    rows = select_rows(here.snapshots([key]), selection.where)
    scores = [here.scores(ref, [key]) for ref in (champion, challenger)]
    return disagreement.pair_models(rows, scores[0], scores[1], here.fetch, id_name=id_name)


@remember
def count(selection: Selection, key: str, champion: str, challenger: str) -> int:
    """Return how many loans both models have explained."""
    table = pair(selection, key, champion, challenger).table
    return int(cached.engine(selection).fetch(table.aggregate(n=table.count()))["n"].iloc[0])


@remember
def moved(selection: Selection, key: str, champion: str, challenger: str, approved: float) -> pd.DataFrame:
    """Return the loans of a snapshot that change sides at one share of approvals, as Compare decides: _loan, move.

    Each model approves the same number of loans, its lowest PDs; equal PDs are parted by the loan's id. All loans that
    both have scored are decided on, explained or not.
    """
    index = explain_data.loan_index(selection, key, (champion, challenger))
    found = swap_set.compute_swap_set(
        index, champion=champion, challenger=challenger, approval_rate=approved, tie=("loan",)
    )
    names = np.array(swap_set.CELLS, dtype=object)[found.cell]
    frame = pd.DataFrame({LOAN: index["loan"], "move": names})
    return frame[frame["move"].isin(MOVES["Both"])].reset_index(drop=True)


@remember
def difference(
    selection: Selection, key: str, champion: str, challenger: str, *, approved: float = 0.0, move: str = ""
) -> disagreement.Difference | None:
    """Return the mean difference over the whole selection or, with a `move` of MOVES, over a part of the swap set.

    None where none of these loans is explained by both models.
    """
    whole = pair(selection, key, champion, challenger)
    if move:
        swapped = moved(selection, key, champion, challenger, approved)
        chosen = swapped.loc[swapped["move"].isin(MOVES[move]), LOAN]
        if chosen.empty:
            return None
        ids = pa.table({LOAN: pa.array(chosen, type=pa.string())})
        whole = whole.on(whole.table.semi_join(ibis.memtable(ids), LOAN))
    return _difference(selection, whole)


@remember
def loan_difference(
    selection: Selection, key: str, champion: str, challenger: str, loan: str
) -> disagreement.Difference | None:
    """Return the difference for one loan; None where the models have not both explained it."""
    whole = pair(selection, key, champion, challenger)
    return _difference(selection, whole.on(whole.table.filter(whole.table[LOAN] == loan)))


def _difference(selection: Selection, chosen: disagreement.Pair) -> disagreement.Difference | None:
    here = cached.engine(selection)
    try:
        return disagreement.compute_difference(chosen, here.fetch, level=model_data.level(selection))
    except disagreement.NoLoansError:
        return None


@hold
def loans(selection: Selection, key: str, champion: str, challenger: str) -> Agreement:
    """Return how far the models agree on each loan, or on about SAMPLE of them, with the loan's segments."""
    here, whole = cached.engine(selection), pair(selection, key, champion, challenger)
    total = count(selection, key, champion, challenger)
    table = whole.table
    if total > SAMPLE:
        table = table.filter((table[LOAN].hash() % STEPS).abs() < int(STEPS * SAMPLE / total))
    parts = _segments(selection, table)
    phi = [f"_phi_{side}_{place}" for side in (0, 1) for place in range(len(whole.features))]
    frame = here.fetch(table.select(*phi, odds_0=table["_odds_0"], odds_1=table["_odds_1"], **parts))
    sides = [frame[names].to_numpy(dtype=float) for names in (phi[: len(phi) // 2], phi[len(phi) // 2 :])]
    found = agreement.compute_loan_agreement(sides[0], sides[1])
    joined = pd.concat([found, frame[["odds_0", "odds_1", *parts]]], axis=1)
    return Agreement(joined, agreement.compute_importance_agreement(sides[0], sides[1]), total)


def _segments(selection: Selection, table: ir.Table) -> dict[str, ir.Value]:
    """Return each field that the book is split by, as text, under its place."""
    ltv = cached.portfolio(selection).schema.meaning("ltv")
    parts: dict[str, ir.Value] = {}
    for place, name in enumerate(overview_data.fields(selection)):
        if name == overview_data.LTV_BAND and ltv is not None:
            parts[f"by_{place}"] = concentration.band_ltv(table[ltv.name], unit=ltv.unit)
        else:
            parts[f"by_{place}"] = table[name].cast("string")
    return parts


@remember
def agreed(
    selection: Selection, key: str, champion: str, challenger: str, field: str, level: float | None = None
) -> pd.DataFrame:
    """Return the agreement in all ("") or by segment of `field`: see `agreement.summarise_agreement`.

    Intervals have the confidence `level`; None takes the policy's.
    """
    by = f"by_{overview_data.fields(selection).index(field)}" if field else None
    found = loans(selection, key, champion, challenger).loans
    table = agreement.summarise_agreement(found, by=by, level=level or model_data.level(selection))
    if field != overview_data.LTV_BAND:
        return table
    bands = {name: place for place, name in enumerate(concentration.BAND_NAMES)}
    return table.sort_values("segment", key=lambda names: names.map(bands).fillna(len(bands)), ignore_index=True)


@remember
def most_different(
    selection: Selection, key: str, champion: str, challenger: str, by: Literal["odds", "points"]
) -> pd.DataFrame:
    """Return the hundred loans on which the models differ most: see `disagreement.list_most_different`."""
    whole = pair(selection, key, champion, challenger)
    return disagreement.list_most_different(whole, cached.engine(selection).fetch, by=by, count=COUNT)


@remember
def common(
    selection: Selection, key: str, champion: str, challenger: str, by: Literal["odds", "points"]
) -> tuple[pd.DataFrame, int]:
    """Return what the hundred have in common (`traits.compute_traits`), and of how many other loans that is told."""
    few = list(most_different(selection, key, champion, challenger, by)[LOAN])
    fields = compare_data.driving_fields(selection)
    table = pair(selection, key, champion, challenger).table.select(LOAN, *(item.name for item in fields))
    others = table.filter(~table[LOAN].isin(few))
    total = count(selection, key, champion, challenger) - len(few)
    if total > OTHERS:
        others = others.filter((others[LOAN].hash() % STEPS).abs() < int(STEPS * OTHERS / total))
    here = cached.engine(selection)
    sides = [here.fetch(part.order_by(LOAN)) for part in (table.filter(table[LOAN].isin(few)), others)]
    known = [item for item in fields if sides[0][item.name].notna().any() and sides[1][item.name].notna().any()]
    categories = _names(known, category=True)
    found = traits.compute_traits(sides[0], sides[1], numbers=_names(known, category=False), categories=categories)
    return found, len(sides[1])


def _names(fields: Sequence[Field], *, category: bool) -> list[str]:
    return [item.name for item in fields if cohort_data.is_category(item) == category]

"""How concentrated the book is: shares of exposure, the Herfindahl index, the largest loans and borrowers.

The index here is the plain one, HHI = Σ share² (Hirschman 1964), whose inverse is the effective number: how
many groups of equal size would be as concentrated. It is not the index of the ECB's template, which is for grades.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.book import Fetch

BANDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BAND_NAMES = ("up to 50 %", "50–60 %", "60–70 %", "70–80 %", "80–90 %", "90–100 %", "above 100 %")
HIGH_BANDS = {0.9: BAND_NAMES[5:], 1.0: BAND_NAMES[6:]}
TOPS = (10, 20, 100)


def band_ltv(ltv: ir.NumericValue, *, unit: str = "share") -> ir.StringValue:
    """Return the LTV band of each row as an expression; null stays null. `unit` "%" takes values in per cent.

    A band holds its upper end: 80 % is in 70–80 %, as caps on loan-to-value are written.
    """
    value = ltv.cast("float64") / (100.0 if unit == "%" else 1.0)
    branches = [(value <= end, name) for end, name in zip(BANDS, BAND_NAMES, strict=False)]
    return ibis.cases(*branches, (value > BANDS[-1], BAND_NAMES[-1]))


def compute_herfindahl(amounts: ArrayLike) -> float:
    """Return Σ share² of amounts that are not negative; NaN where they sum to 0.

    >>> compute_herfindahl([1, 1, 1, 1]), compute_herfindahl([5, 0, 0]), compute_herfindahl([3, 1])
    (0.25, 1.0, 0.625)
    """
    sizes = np.asarray(amounts, dtype=float)
    if (sizes < 0).any():
        raise ValueError("concentration needs amounts of 0 or more")
    total = sizes.sum()
    return float(((sizes / total) ** 2).sum()) if total > 0 else float("nan")


def compute_shares(frame: pd.DataFrame, *, amount: str) -> pd.DataFrame:
    """Return `frame` with `share`, each row's part of the whole `amount`."""
    total = frame[amount].sum()
    return frame.assign(share=frame[amount] / total if total > 0 else np.nan)


def compute_top_shares(largest: ArrayLike, total: float, *, tops: Sequence[int] = TOPS) -> pd.DataFrame:
    """Return top, exposure, share: the sums of the `tops` largest amounts and their share of `total`.

    `largest` holds at least the max(tops) largest amounts, or all there are, in any order; a top that is beyond
    all there are is left out, unless it is the first, which then holds all.
    """
    sizes = np.sort(np.asarray(largest, dtype=float))[::-1]
    kept = [top for place, top in enumerate(tops) if top <= sizes.size or (place == 0 and sizes.size)]
    sums = [float(sizes[:top].sum()) for top in kept]
    shares = [amount / total if total > 0 else np.nan for amount in sums]
    return pd.DataFrame({"top": [min(top, sizes.size) for top in kept], "exposure": sums, "share": shares})


def fetch_largest(table: ir.Table, fetch: Fetch, *, amount: str, by: str, top: int = TOPS[-1]) -> pd.DataFrame:
    """Return the `top` groups of `by` with the largest sums of `amount`: columns by, exposure; largest first."""
    known = table.filter(table[by].notnull())
    grouped = known.group_by(group=known[by].cast("string")).aggregate(exposure=known[amount].cast("float64").sum())
    frame = fetch(grouped.order_by(ibis.desc("exposure")).limit(top))
    return frame.rename(columns={"group": by}).sort_values("exposure", ascending=False, ignore_index=True)

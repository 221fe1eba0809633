"""The validation as an Excel workbook: a sheet a test, its inputs, and each statistic as value and as formula."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.grade_tests import ALL
from analytics.migrations import compute_bandwidth, compute_neighbour_tests
from analytics.stability import compute_psi
from pages.common import validate_data, validate_losses, validate_tests
from pages.common.provenance import provenance
from pages.common.shell import describe_filters
from pages.common.validate_words import Words
from pages.common.workbook import Book, Formula

BOTH = ("value", "formula")


def to_workbook(words: Words) -> bytes:
    """Return the whole validation as a workbook; a test that was not run has a sheet that says why."""
    book = Book()
    _about(book, words)
    for name, (fill, widths) in SHEETS.items():
        book.sheet(name, widths=widths)
        try:
            fill(book, words)
        except ValueError as error:
            book.facts({"Not run": str(error)})
        book.add([])
        book.facts(_origin(words))
    return book.save()


def _origin(words: Words) -> dict[str, str]:
    return {"Validated": words.window(), **provenance(words.selection, words.model), "Policy": words.criteria.source}


def _about(book: Book, words: Words) -> None:
    opinion = words.opinion()
    book.sheet("About", widths=(34, 14, 110))
    kind = {"Data are": "synthetic: no real borrower is in them"} if words.schema.synthetic else {}
    book.facts({"Portfolio": words.schema.title, "Filters": describe_filters(words.view), **kind, **_origin(words)})
    book.facts({"Proposed opinion": opinion.level or "", "In words": opinion.word, "Points": opinion.points})
    book.add([])
    for line in (*opinion.reasons, words.scale_sentence(), *words.warnings(), *words.basis(), words.ratings()):
        book.add([line])
    book.add([])
    book.table(words.findings_table())


def _grades(book: Book, words: Words) -> None:
    table = validate_tests.grades(*words.args)
    alpha = 1 - words.criteria.validation.interval
    book.facts({"alpha": alpha})
    book.head("grade", "PD", "N", "D", "exposure", "rate", "Jeffreys p", "Jeffreys p formula", "binomial p",
              "binomial p formula", "low", "low formula", "high", "high formula", "light")  # fmt: skip
    for row in table.to_dict("records"):
        r = book.row + 1
        known = np.isfinite(row["p_jeffreys"])
        ends = f"D{r}+0.5,C{r}-D{r}+0.5"
        formulas = (
            Formula(f"BETA.DIST(B{r},{ends},TRUE)"),
            Formula(f"IF(D{r}=0,1,1-BINOM.DIST(MAX(D{r}-1,0),C{r},B{r},TRUE))"),
        )
        p, q = formulas if known else (None, None)
        low = Formula(f"IF(D{r}=0,0,BETA.INV($B$1/2,{ends}))") if row["n"] else None
        high = Formula(f"IF(D{r}=C{r},1,BETA.INV(1-$B$1/2,{ends}))") if row["n"] else None
        book.add([row["grade"], row["pd"], row["n"], row["defaults"], row["exposure"], row["rate"], row["p_jeffreys"],
                  p, row["p_binomial"], q, row["rate_low"], low, row["rate_high"], high, row["light"]])  # fmt: skip


def _hosmer_lemeshow(book: Book, words: Words) -> None:
    table = validate_tests.grades(*words.args)
    used = table[(table["grade"] != ALL) & (table["n"] > 0)]
    test = validate_tests.hosmer_lemeshow(words.asked)
    book.head("grade", "PD", "N", "D", "part formula")
    for row in used.to_dict("records"):
        r = book.row + 1
        part = Formula(f"(D{r}-C{r}*B{r})^2/(C{r}*B{r}*(1-B{r}))")
        book.add([row["grade"], row["pd"], row["n"], row["defaults"], part])
    last = book.row
    _both(book, "chi-square", test.statistic, f"SUM(E2:E{last})")
    _both(book, "degrees of freedom", test.df, f"COUNT(E2:E{last})")
    _both(book, "p", test.p_value, f"CHISQ.DIST.RT(C{last + 2},C{last + 3})")


def _both(book: Book, name: str, value: object, formula: str) -> int:
    """Append a statistic twice; the first one of a sheet gets headings above it."""
    if name in {"chi-square", "S", "upper bandwidth", "CV", "PSI", "long-run average", "t"}:
        book.head("statistic", *BOTH)
    known = isinstance(value, int | float | np.integer | np.floating) and np.isfinite(value)
    return book.add([name, value, Formula(formula) if known else None])


def _auc(book: Book, words: Words) -> None:
    test = validate_tests.discrimination(*words.args)
    source = validate_tests.initial_auc(*words.args)[1]
    book.facts({"AUC now": test.auc, "s": test.s, "AUC initial": test.auc_initial, "N": test.n, "D": test.defaults,
                "years pooled": test.years, "initial from": source})  # fmt: skip
    row = _both(book, "S", test.statistic, "(B3-B1)/B2")
    _both(book, "p", test.p, f"1-NORM.S.DIST(C{row},TRUE)")
    book.add([])
    book.table(validate_tests.auc_by_year(*words.args))


def _migrations(book: Book, words: Words) -> None:
    from openpyxl.utils import get_column_letter

    matrix = validate_tests.migrations(*words.args)
    size = len(matrix)
    wide = compute_bandwidth(matrix)
    last = get_column_letter(size + 2)
    book.add(["grade", "furthest move", *range(1, size + 1), *matrix.columns[size:]], bold=True)
    for place, row in enumerate(matrix.to_numpy(dtype=float), start=1):
        book.add([place, max(place - 1, size - place), *row])
    cells, rows, across = f"C2:{last}{size + 1}", f"A2:A{size + 1}", f"C1:{last}1"
    for name, value, sign in (("upper bandwidth", wide.upper, ">"), ("lower bandwidth", wide.lower, "<")):
        side = f"({across}{sign}{rows})"
        moved, most = f"{side}*ABS({across}-{rows})*{cells}", f"{side}*B2:B{size + 1}*{cells}"
        _both(book, name, value, f"IFERROR(SUMPRODUCT({moved})/SUMPRODUCT({most}),0)")


def _neighbours(book: Book, words: Words) -> None:
    matrix = validate_tests.migrations(*words.args)
    counts = matrix.to_numpy(dtype=float)
    grades = list(matrix.index)
    book.head("from", "to", "N of the cell", "N of the nearer cell", "N of the row", "z", "z formula", "p", "p formula")
    for row in compute_neighbour_tests(matrix).dropna(subset=["z"]).to_dict("records"):
        i, j = grades.index(row["start"]), grades.index(row["end"])
        r = book.row + 1
        z = Formula(f"(D{r}-C{r})/SQRT(C{r}+D{r}-(C{r}-D{r})^2/E{r})")
        near, total = counts[i, j + np.sign(i - j)], np.nansum(counts[i])
        book.add([row["start"], row["end"], row["n"], near, total, row["z"], z, row["p"],
                  Formula(f"NORM.S.DIST(G{r},TRUE)")])  # fmt: skip


def _concentration(book: Book, words: Words) -> None:
    table = validate_tests.grades(*words.args)
    found = validate_tests.concentration(*words.args).iloc[0]
    each = table[table["grade"] != ALL]
    first = book.table(each[["grade", "n", "exposure"]])
    last = book.row
    cells, k = f"B{first}:B{last}", len(each)
    book.facts({"grades K": k, "CV initial": found["cv_initial"]})
    book.facts({"initial from": validate_tests.initial_cv(words.asked)[1]})
    cv = _both(book, "CV", found["cv"], f"SQRT(B{last + 1}*SUMSQ({cells})/SUM({cells})^2-1)")
    _both(book, "HI", found["hi"], f"1+LN((C{cv}^2+1)/B{last + 1})/LN(B{last + 1})")
    gap = f"SQRT(B{last + 1}-1)*(C{cv}-B{last + 2})/SQRT(C{cv}^2*(0.5+C{cv}^2))"
    _both(book, "p", found["p"], f"1-NORM.S.DIST({gap},TRUE)")


def _psi(book: Book, words: Words) -> None:
    counts = validate_tests.psi_counts(*words.args)
    level = words.criteria.validation.psi_level
    test = compute_psi(counts["n_reference"], counts["n"], level=level)
    book.head("grade", "N reference", "N", "part formula")
    last = len(counts) + 1
    for row in counts.to_dict("records"):
        r = book.row + 1
        a, b = (f"MAX({c}{r},0.5)/SUM({c}$2:{c}${last})" for c in "BC")
        book.add([row["grade"], row["n_reference"], row["n"], Formula(f"IF(B{r}+C{r}=0,0,({b}-{a})*LN(({b})/({a})))")])
    book.facts({"level": level, "bins": test.bins})
    _both(book, "PSI", test.psi, f"SUM(D2:D{last})")
    sizes = f"(1/SUM(B2:B{last})+1/SUM(C2:C{last}))"
    _both(book, "critical value", test.critical, f"CHISQ.INV.RT(B{last + 1},B{last + 2}-1)*{sizes}")
    _both(book, "p", test.p, f"CHISQ.DIST.RT(C{last + 4}/{sizes},B{last + 2}-1)")
    book.add([])
    book.table(validate_tests.psi(*words.args))


def _exclusions(book: Book, words: Words) -> None:
    table = validate_data.exclusions(*words.args)
    book.head("step", "what", "N", "of", "share", "share formula", "removed", "left", "reason")
    for row in table.to_dict("records"):
        r = book.row + 1
        share = Formula(f"C{r}/D{r}") if pd.notna(row["n"]) and row["base"] else None
        book.add([row["step"], row["label"], row["n"], row["base"], row["share"], share, row["removed"], row["left"],
                  row["reason"]])  # fmt: skip


def _long_run(book: Book, words: Words) -> None:
    table, average = validate_tests.long_run(*words.args)
    book.head("date", "N", "D", "rate", "rate formula", "mean PD")
    for row in table.to_dict("records"):
        r = book.row + 1
        rate = Formula(f"C{r}/B{r}") if row["n"] else None
        book.add([row["date"], row["n"], row["defaults"], row["rate"], rate, row["pd"]])
    _both(book, "long-run average", average.rate, f"AVERAGE(E2:E{book.row})")


def _lgd(book: Book, words: Words) -> None:
    found = validate_losses.losses(words.selection)
    row = validate_losses.tests(words.selection, "ltv_band").iloc[-1]
    rank = validate_losses.ranking(words.selection)
    columns = ["loan", "date", "band", "estimated", "loss", "exposure", "realised"]
    book.head(*columns, "error formula")
    for item in found.facilities[columns].itertuples(index=False, name=None):
        r = book.row + 1
        book.add([*item, Formula(f"E{r}/F{r}-D{r}")])
    last = book.row
    errors = f"H2:H{last}"
    t = _both(book, "t", row["t"], f"SQRT(COUNT({errors}))*AVERAGE({errors})/STDEV.S({errors})")
    _both(book, "p", row["p"], f"T.DIST.RT(C{t},COUNT({errors})-1)")
    short = f"1-SUMPRODUCT(D2:D{last},F2:F{last})/SUM(E2:E{last})"
    _both(book, "loss shortfall", row["shortfall"], short)
    book.facts({"generalised AUC (no formula)": rank.gauc, "its s": rank.s, "months": found.months})
    book.facts({"estimated on": ", ".join(found.learnt_on), "tested on": ", ".join(found.tested_on)})
    book.add([])
    book.table(found.lgd)


SHEETS: dict[str, tuple[Callable[[Book, Words], None], tuple[float, ...]]] = {
    "Grades": (_grades, (12,)),
    "Hosmer-Lemeshow": (_hosmer_lemeshow, (20,)),
    "AUC": (_auc, (16, 16)),
    "Migrations": (_migrations, (18,)),
    "Neighbours": (_neighbours, ()),
    "Concentration": (_concentration, (16, 14, 16)),
    "PSI": (_psi, (16,)),
    "Exclusions": (_exclusions, (12, 52)),
    "Long run": (_long_run, (20,)),
    "LGD": (_lgd, (26, 14, 14)),
}

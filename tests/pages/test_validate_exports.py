"""The validation's files: HTML that asks nobody, and a workbook whose formulas give the values beside them."""

import io
import re

import numpy as np
import openpyxl
import pytest
from scipy import stats

from pages.common import model_data, validate_data
from pages.common.shell import View
from pages.common.validate_excel import SHEETS, to_workbook
from pages.common.validate_html import to_html
from pages.common.validate_words import Words
from pages.common.workbook import Book, Formula
from portfolio.selection import Selection
from portfolio.workspace import open_portfolio


def flat(*parts):
    return np.concatenate([np.ravel(part) for part in parts]).astype(float)


# Excel's functions as its reference describes them, in scipy's words.
FUNCTIONS = {
    "BETA_DIST": lambda x, a, b, _cumulative: stats.beta.cdf(x, a, b),
    "BETA_INV": stats.beta.ppf,
    "BINOM_DIST": lambda k, n, p, _cumulative: stats.binom.cdf(k, n, p),
    "CHISQ_DIST_RT": stats.chi2.sf,
    "CHISQ_INV_RT": stats.chi2.isf,
    "NORM_S_DIST": lambda z, _cumulative: stats.norm.cdf(z),
    "T_DIST_RT": stats.t.sf,
    "STDEV_S": lambda *x: flat(*x).std(ddof=1),
    "SUM": lambda *x: flat(*x).sum(),
    "SUMSQ": lambda *x: (flat(*x) ** 2).sum(),
    "SUMPRODUCT": lambda *x: np.prod(np.broadcast_arrays(*x), axis=0).sum(),
    "AVERAGE": lambda *x: flat(*x).mean(),
    "COUNT": lambda *x: flat(*x).size,
    "MAX": max,
    "ABS": np.abs,
    "SQRT": np.sqrt,
    "LN": np.log,
    "IF": lambda test, yes, no: yes if test else no,
    "IFERROR": lambda value, other: value if np.isfinite(value) else other,
    "TRUE": True,
}


def evaluate(sheet, cell):
    """Compute a cell as a spreadsheet would: inputs are read, formulas computed, one after the other."""
    value = sheet[cell].value
    if not (isinstance(value, str) and sheet[cell].data_type == "f"):
        return value
    text = value.removeprefix("=").replace("_xlfn.", "").replace("$", "").replace("^", "**")
    text = re.sub(r"([A-Z]+)\.([A-Z]+)(?:\.([A-Z]+))?(?=\()", lambda m: "_".join(filter(None, m.groups())), text)
    text = re.sub(r"(?<![<>=])=(?!=)", "==", text)
    known = dict(FUNCTIONS)

    def place(match):
        name = f"cell{len(known)}"
        if ":" in match[0]:
            known[name] = np.array([[evaluate(sheet, item.coordinate) for item in row] for row in sheet[match[0]]])
        else:
            known[name] = evaluate(sheet, match[0])
        return name

    text = re.sub(r"\b[A-Z]{1,2}\d+(?::[A-Z]{1,2}\d+)?\b", place, text)
    with np.errstate(all="ignore"):
        return eval(text, {"__builtins__": {}}, known)  # noqa: S307 our own file


@pytest.fixture(scope="module")
def exported(demo_workspace):
    """The words of the demo's champion at its last date, its workbook and its HTML."""
    selection = Selection(str(demo_workspace), "demo")
    view = View(selection, "Risk", open_portfolio(demo_workspace, "demo").schema)
    model = model_data.models(selection)[0]
    words = Words(view, model, validate_data.keys(selection, model.ref)[-1])
    book = openpyxl.load_workbook(io.BytesIO(to_workbook(words)))
    return words, book, to_html(words).decode()


def test_every_formula_gives_the_value_beside_it(exported):
    _, book, _ = exported
    compared = dict.fromkeys(SHEETS, 0)
    for name in SHEETS:
        sheet = book[name]
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f" or "part" in str(sheet.cell(1, cell.column).value):
                    continue
                beside = sheet.cell(cell.row, cell.column - 1).value
                if name == "LGD" and cell.column_letter == "H":  # R − E from loss, exposure and estimate
                    beside = sheet.cell(cell.row, 7).value - sheet.cell(cell.row, 4).value
                assert evaluate(sheet, cell.coordinate) == pytest.approx(beside, rel=1e-9, abs=1e-12), (name, cell)
                compared[name] += 1
    assert min(compared.values()) >= 2, compared


def test_the_jeffreys_formula_is_the_supervisors(exported):
    _, book, _ = exported
    sheet = book["Grades"]
    assert sheet["H3"].value == "=_xlfn.BETA.DIST(B3,D3+0.5,C3-D3+0.5,TRUE)"
    pd_, n, d = (sheet.cell(3, column).value for column in (2, 3, 4))
    assert sheet["G3"].value == pytest.approx(stats.beta.cdf(pd_, d + 0.5, n - d + 0.5), rel=1e-12)


def test_every_sheet_says_where_it_comes_from(exported):
    words, book, _ = exported
    for name in ("About", *SHEETS):
        facts = {row[0].value: row[1].value for row in book[name].iter_rows() if len(row) > 1}
        assert facts["Model"].startswith(f"{words.model.ref}, card SHA-256 {words.model.sha256[:16]}")
        assert open_portfolio_hash(words) in facts["Data"]
        assert re.search(r"Hypothec \d+\.\d+\.\d+, source SHA-256 [0-9a-f]{16}", facts["Code"])


def open_portfolio_hash(words):
    from pathlib import Path

    return open_portfolio(Path(words.selection.workspace), words.selection.portfolio).data_hash[:16]


def test_text_is_never_a_formula():
    book = Book()
    book.sheet("s")
    book.add(["=1+1", "@SUM(A1)", Formula("1+1")])
    book.facts({"=A1": "-2+3"})
    sheet = openpyxl.load_workbook(io.BytesIO(book.save()))["s"]
    assert [cell.data_type for cell in sheet[1]] == ["s", "s", "f"]
    assert [cell.data_type for cell in sheet[2][:2]] == ["s", "s"]


def test_the_html_asks_nobody(exported):
    _, _, text = exported
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href|action|data)\s*=|@import|url\(", outside)
    assert "<link" not in outside
    assert "default-src 'none'" in outside
    assert text.count("<script>") == 1 + text.count("Plotly.newPlot(")  # plotly.js once, and one script a figure


def test_the_html_has_every_figure_with_its_origin(exported):
    words, _, text = exported
    figures = re.findall(r'<figure><div id="figure_(\w+)">', text)
    assert figures == ["grades", "auc", "migrations", "neighbours", "psi", "exclusions", "long_run", "lgd"]
    origin = re.findall(r"<p class='from'>(.*?)</p>", text)
    assert len(origin) == len(figures)
    for line in origin:
        assert words.model.ref in line
        assert open_portfolio_hash(words) in line
        assert "source SHA-256" in line
    assert "Synthetic data: no real borrower is in it." in text
    assert f"Proposed opinion: {words.opinion().level} of 4" in text


def test_a_table_without_dates_is_exported_with_what_could_not_be_run(demo_workspace):
    selection = Selection(str(demo_workspace), "loanapp")
    view = View(selection, "Risk", open_portfolio(demo_workspace, "loanapp").schema)
    words = Words(view, model_data.models(selection)[0], "all")
    text = to_html(words).decode()
    assert "Not run: a long-run average needs dates, and this table has none." in text
    sheet = openpyxl.load_workbook(io.BytesIO(to_workbook(words)))["Migrations"]
    assert sheet["B1"].value == "migrations need dates, and this table has none"

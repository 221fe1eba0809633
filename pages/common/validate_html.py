"""The validation as one HTML file that opens without a network: figures, tables, definitions, where all came from."""

import datetime
import html
import json
from collections.abc import Iterable

import numpy as np
import pandas as pd

from analytics.figures.template import refit
from pages.common.provenance import provenance
from pages.common.shell import describe_filters
from pages.common.validate_exhibits import SHOWN, Exhibit
from pages.common.validate_words import Words

WIDTH = 120  # characters of a title on a page 1000 pixels wide
# The file itself forbids the browser to fetch anything.
_CLOSED = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:\">"
)
_STYLE = """
body{font:15px/1.5 system-ui,'Segoe UI','DejaVu Sans',sans-serif;color:#0F172A;max-width:1000px;margin:32px auto;
padding:0 20px}
h1{margin-bottom:0}h2{margin-top:40px;border-bottom:1px solid #CBD5E1}table{border-collapse:collapse;font-size:13px;
width:100%}td,th{border-bottom:1px solid #E2E8F0;padding:4px 8px;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}figure{margin:24px 0 8px}code{white-space:pre-wrap}
.from{color:#475569;font-size:12px}.scroll{overflow-x:auto}
@media print{.scroll{overflow:visible}h2{break-before:page}}
"""


def to_html(words: Words) -> bytes:
    """Return the whole validation as HTML: the figures' JavaScript is inside, once, and nothing is fetched."""
    from plotly.offline import get_plotlyjs

    origin = {
        "Portfolio": f"{words.schema.title} ({describe_filters(words.view)})",
        "Validated": words.window(),
        **provenance(words.selection, words.model),
        "Policy": words.criteria.source,
        "Written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    parts = [_head(words, origin)]
    for name, draw in SHOWN.items():
        parts.append(f"<h2>{html.escape(name)}</h2>")
        try:
            parts += [_figure(exhibit, origin) for exhibit in draw(words)]
        except ValueError as error:
            parts.append(f"<p>Not run: {html.escape(str(error))}.</p>")
    synthetic = "<p><strong>Synthetic data: no real borrower is in it.</strong></p>" if words.schema.synthetic else ""
    title = html.escape(f"Validation of {words.model.ref}, {words.window()}")
    body = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{_CLOSED}<title>{title}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head><body><h1>{title}</h1>{synthetic}{''.join(parts)}</body></html>"
    )
    return body.encode()


def _head(words: Words, origin: dict[str, str]) -> str:
    opinion = words.opinion()
    level = f"{opinion.level} of 4, {opinion.word}" if opinion.level else opinion.word
    return (
        f"{_table(pd.DataFrame(origin.items(), columns=['What', 'Value']))}"
        f"<h2>Proposed opinion: {html.escape(level)}</h2>{_list(opinion.reasons)}"
        f"<p>{html.escape(words.scale_sentence())}</p>{_table(words.findings_table())}"
        f"<h3>What a rating is here</h3>{_list([*words.warnings(), *words.basis(), words.ratings()])}"
    )


def _figure(exhibit: Exhibit, origin: dict[str, str]) -> str:
    chart = refit(exhibit.chart, WIDTH)
    # "</" inside a script would end it; the JSON means the same with the slash escaped.
    drawn = chart.to_json().replace("</", "<\\/")
    name = f"figure_{exhibit.name}"
    definition = exhibit.definition
    origins = "; ".join(f"{key}: {origin[key]}" for key in ("Model", "Data", "Code"))
    return (
        f'<figure><div id="{name}"></div><script>(()=>{{const f={drawn};Plotly.newPlot("{name}",f.data,f.layout,'
        f"{json.dumps({'displaylogo': False, 'responsive': True})})}})()</script></figure>"
        f"{_list(exhibit.notes)}<p>{html.escape(definition.text)}</p>"
        + (f"<p><code>{html.escape(definition.formula)}</code></p>" if definition.formula else "")
        + f"{_table(exhibit.table)}<p class='from'>{html.escape(f'{definition.window}. {origins}')}</p>"
    )


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _table(table: pd.DataFrame) -> str:
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    head = "".join(_cell(str(name), "th", number) for name, number in zip(table.columns, numeric, strict=True))
    rows = (
        "".join(_cell(_text(value), "td", number) for value, number in zip(row, numeric, strict=True))
        for row in table.itertuples(index=False, name=None)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(text: str, tag: str, number: bool) -> str:
    kind = ' class="n"' if number else ""
    return f"<{tag}{kind}>{html.escape(text)}</{tag}>"


def _text(value: object) -> str:
    """Return a value with the digits that let a reader recompute what follows from it."""
    if isinstance(value, float | np.floating):
        number = float(value)
        return "" if np.isnan(number) else f"{number:,.0f}" if number.is_integer() else f"{number:.6g}"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)

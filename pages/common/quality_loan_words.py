"""Duplicate and odd loans in words and tables."""

import pandas as pd

from analytics.outliers import Outliers
from analytics.words import format_list, format_share, format_value
from pages.common import quality_data
from pages.common.quality_words import Words


def duplicates_finding(words: Words, found: pd.DataFrame) -> str:
    """Return how many pairs are identical and nearly so."""
    identical = int((found["kind"] == "identical").sum())
    near = len(found) - identical
    return f"{identical:,} identical and {near:,} nearly identical pairs of {words.schema.subject}s."


def duplicates_table(words: Words, found: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs as a table to read."""
    differs = [
        format_list([words.label(name) for name in names.split(", ")]) if names else "—" for names in found["differs"]
    ]
    subject = words.schema.subject.capitalize()
    return pd.DataFrame(
        {
            "Kind": found["kind"],
            subject: found["loan"],
            "Other": found["other"],
            "Fields that agree": [format_share(share) for share in found["alike"].astype(float)],
            "Fields compared": found["compared"],
            "Differ in": differs,
        }
    )


def side_by_side(words: Words, rows: pd.DataFrame) -> pd.DataFrame:
    """Return two loans beside each other, the fields in which they differ first."""
    key = words.schema.id.name
    table = pd.DataFrame({"Field": [words.label(name) for name in rows.columns]})
    for place in range(len(rows)):
        cells = [_show(words, name, rows[name].iloc[place]) for name in rows.columns]
        table[str(rows[key].iloc[place])] = cells
    same = table.iloc[:, 1:].nunique(axis=1) <= 1
    table.insert(1, "Agrees", same.map({True: "=", False: "≠"}))
    return table.assign(order=same).sort_values("order", kind="stable").drop(columns="order")


def odd_finding(words: Words, odd: Outliers) -> str:
    """Return how many loans were judged and what makes the oddest odd."""
    every = quality_data.latest_count(words.selection)
    subject = words.schema.subject
    judged = f"{odd.rows:,} {subject}s judged" if odd.rows >= every else f"{odd.rows:,} of {every:,} {subject}s judged"
    often = odd.reasons["field"].value_counts().head(3)
    named = format_list([words.label(str(name)) for name in often.index])
    return f"{judged}; the {len(odd.top)} oddest stand out most often by {named}."


def odd_table(words: Words, odd: Outliers) -> pd.DataFrame:
    """Return the oddest loans with their reasons as a table to read."""
    key = words.schema.id.name
    said = odd.reasons.assign(
        text=[
            f"{words.label(name)} {_show(words, name, value)}"
            for name, value in zip(odd.reasons["field"].astype(str), odd.reasons["value"], strict=True)
        ]
    )
    reasons = said.groupby(key)["text"].agg("; ".join)
    return pd.DataFrame(
        {
            words.schema.subject.capitalize(): odd.top[key].astype(str),
            "Oddity": odd.top["score"].round(3),
            "Because of": odd.top[key].map(reasons).fillna("many fields together, none by itself"),
        }
    )


def odd_against_typical(words: Words, odd: Outliers, loan: str) -> pd.DataFrame:
    """Return one loan's fields beside the typical values, its reasons first with how much of the oddity is theirs."""
    reasons = odd.reasons[odd.reasons[words.schema.id.name].astype(str) == loan].set_index("field")["drop"]
    row = quality_data.observed_loan(words.selection, loan).iloc[0]
    names = [*reasons.index, *(name for name in odd.typical if name not in reasons.index)]
    return pd.DataFrame(
        {
            "Field": [words.label(str(name)) for name in names],
            f"This {words.schema.subject}": [_show(words, str(name), row[str(name)]) for name in names],
            "Typical": [_show(words, str(name), odd.typical[str(name)]) for name in names],
            "Oddity that goes with it": [f"{reasons[name]:.3f}" if name in reasons.index else "" for name in names],
        }
    )


def _show(words: Words, name: str, value: object) -> str:
    return format_value(value, words.unit(name))

"""Paths into documents, such as `application.applicants[*].incomes[type=salary].amount`: read, checked, put as SQL.

A path begins with the kind of document. Keys follow after dots; `[*]` takes every item of a list and
`[key=value]` the items that have that value; a key with blanks or dots stands in double quotes. A
condition directly on the kind chooses documents: `contact[topic=arrears]`.
"""

import re
from dataclasses import dataclass, replace

from portfolio.errors import HypothecError

SHAPE = (
    "a path is the kind of document, then keys after dots; [*] takes every item of a list and [key=value] those with "
    "that value, as in application.applicants[*].incomes[type=salary].amount"
)
KEY = r'(?:[^\W\d][\w-]*|"[^"]+")'
PART = re.compile(rf'\.(?P<key>{KEY})|\[(?P<all>\*)\]|\[(?P<name>{KEY})=(?P<value>[^\[\]"]+)\]')
REDUCTIONS = ("first", "last", "count", "sum", "mean", "min", "max", "any", "share", "months_since")
WORD_REDUCTIONS = ("first", "last")
DATE_REDUCTIONS = ("first", "last", "min", "max")
MACROS = (
    "as_text(v) AS CASE WHEN json_type(v) NOT IN ('OBJECT', 'ARRAY') THEN nullif(trim(v ->> '$'), '') END",
    r"number_of(t) AS CASE WHEN regexp_full_match(t, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') "
    "AND isfinite(TRY_CAST(t AS DOUBLE)) THEN TRY_CAST(t AS DOUBLE) END",
    # what most numbers are is read as such at once; text that spells a number is one too
    "as_number(v) AS CASE json_type(v) WHEN 'UBIGINT' THEN v::DOUBLE WHEN 'DOUBLE' THEN v::DOUBLE "
    "WHEN 'BIGINT' THEN v::DOUBLE WHEN 'BOOLEAN' THEN (v ->> '$' = 'true')::INT "
    "WHEN 'VARCHAR' THEN number_of(trim(v ->> '$')) END",
    "day_of(t) AS CASE WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.+Zz -]*)?') "
    "THEN TRY_CAST(left(t, 10) AS DATE) END",
    "as_date(v) AS day_of(as_text(v))",
)
"""What a JSON value is as text, number (true and false are 1 and 0) or date, NULL where it is none."""
CASTS = {"number": "as_number", "category": "as_text", "date": "as_date"}

Condition = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """The keys that lead to a list, and the condition that its items meet (None: all of them)."""

    keys: tuple[str, ...]
    condition: Condition | None


@dataclass(frozen=True)
class DocumentPath:
    """A path, cut: the kind, a condition on the document, the lists on the way, and the keys after the last list."""

    kind: str
    condition: Condition | None
    steps: tuple[Step, ...]
    keys: tuple[str, ...]

    @property
    def in_list(self) -> bool:
        """Whether the path goes through a list within the document."""
        return bool(self.steps)

    @property
    def reads(self) -> frozenset[str]:
        """The plain paths that it looks at, conditions included, with `[*]` for every list.

        >>> sorted(parse_path("application.applicants[*].incomes[type=salary].amount").reads)
        ['application.applicants[*].incomes[*].amount', 'application.applicants[*].incomes[*].type']
        """
        place, found = self.kind, set()
        if self.condition:
            found.add(join_keys(place, (self.condition[0],)))
        for step in self.steps:
            place = join_keys(place, step.keys) + "[*]"
            if step.condition:
                found.add(join_keys(place, (step.condition[0],)))
        return frozenset(found | {join_keys(place, self.keys)})

    @property
    def plain(self) -> str:
        """The path without conditions: `[*]` for every list."""
        place = self.kind
        for step in self.steps:
            place = join_keys(place, step.keys) + "[*]"
        return join_keys(place, self.keys)


def join_keys(place: str, keys: tuple[str, ...]) -> str:
    """Return `place` with `keys` after dots; a key that is no plain word in double quotes.

    >>> join_keys("valuation", ("value", "in euro"))
    'valuation.value."in euro"'
    """
    return "".join([place, *(f".{key}" if re.fullmatch(KEY, key) else f'."{key}"' for key in keys)])


def parse_path(text: str) -> DocumentPath:
    """Return the path that `text` spells; HypothecError, with what a path looks like, if it spells none."""
    start = re.match(KEY, text)
    if not start:
        raise HypothecError(f"{text!r} is no path into documents: {SHAPE}")
    condition: Condition | None = None
    steps: list[Step] = []
    keys: list[str] = []
    position = start.end()
    while position < len(text):
        part = PART.match(text, position)
        on_kind = part is not None and not part["key"] and not steps and not keys
        if part is None or (on_kind and (part["all"] or position > start.end())):
            raise HypothecError(f"{text!r} is no path into documents from character {position + 1} on: {SHAPE}")
        given = (part["name"].strip('"'), part["value"]) if part["name"] else None
        if on_kind:
            condition = given
        elif part["key"]:
            keys.append(part["key"].strip('"'))
        else:
            steps.append(Step(tuple(keys), given))
            keys = []
        position = part.end()
    return DocumentPath(start[0].strip('"'), condition, tuple(steps), tuple(keys))


def check_reduction(path: DocumentPath, reduce: str, kind: str) -> str:
    """Return what is wrong with reducing the values at `path` by `reduce` to a field of `kind`; "" if nothing."""
    allowed = {"category": WORD_REDUCTIONS, "date": DATE_REDUCTIONS}.get(kind, REDUCTIONS)
    if reduce not in allowed:
        return f"reduce of a {kind} must be one of {', '.join(allowed)}, got {reduce!r}"
    if path.keys and not path.in_list and path.condition and reduce == "share":
        return "the share of documents that meet a condition takes no key after it"
    whole = not path.keys and not path.in_list
    if reduce == "months_since" and not whole:
        return "months_since counts from the latest document: its path is the kind alone, such as valuation"
    if whole and reduce not in ("count", "months_since", *(("share",) if path.condition else ())):
        return f"the path names whole documents; they can be counted (reduce = 'count'), got {reduce!r}"
    if path.in_list and not path.keys and not path.steps[-1].condition and reduce in ("share", "any"):
        return f"{reduce} of the items needs a key or a condition, as in applicants[*].incomes[verified=true]"
    return ""


def text_sql(value: str) -> str:
    """Return `value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def pointer(keys: tuple[str, ...], end: str = "") -> str:
    """Return the SQL string of DuckDB's JSON path to `keys`.

    >>> pointer(("employment", "since"))
    '\\'$."employment"."since"\\''
    """
    escaped = [key.replace("\\", "\\\\").replace('"', '\\"') for key in keys]
    return text_sql("$" + "".join(f'."{key}"' for key in escaped) + end)


def items_sql(path: DocumentPath, body: str, *, every: bool = False) -> str:
    """Return the SQL for the list of JSON values at a path through lists; `every` drops the last list's condition."""
    items = f"[{body}]"
    for place, step in enumerate(path.steps):
        found = f"json_extract(x, {pointer(step.keys, '[*]')})"
        items = f"flatten(list_transform({items}, lambda x: {found}))"
        if step.condition and not (every and place == len(path.steps) - 1):
            key, value = step.condition
            items = f"list_filter({items}, lambda x: (x ->> {pointer((key,))}) = {text_sql(value)})"
    if path.keys:
        items = f"list_transform({items}, lambda x: json_extract(x, {pointer(path.keys)}))"
    return f"list_filter({items}, lambda x: x IS NOT NULL AND json_type(x) <> 'NULL')"


def values_sql(path: DocumentPath, body: str) -> str:
    """Return the SQL for the list of JSON values at any path; one value at most where it meets no list."""
    if path.in_list:
        return items_sql(path, body)
    value = f"json_extract({body}, {pointer(path.keys)})"
    return f"CASE WHEN json_type({value}) <> 'NULL' THEN [{value}] ELSE [] END"


def condition_sql(path: DocumentPath, body: str) -> str:
    """Return the SQL for whether a document meets the condition on its kind."""
    if not path.condition:
        return "true"
    key, value = path.condition
    return f"coalesce(({body} ->> {pointer((key,))}) = {text_sql(value)}, false)"


def document_sql(path: DocumentPath, reduce: str, kind: str, body: str) -> str:
    """Return the SQL for the one value that a document gives to a field, NULL where it gives none."""
    if not path.in_list:
        return _single_sql(path, reduce, kind, body)
    items = items_sql(path, body)
    typed = f"list_filter(list_transform({items}, lambda v: {CASTS[kind]}(v)), lambda v: v IS NOT NULL)"
    present = f"json_type(json_extract({body}, {pointer(path.steps[0].keys)})) = 'ARRAY'"
    if reduce == "count":
        return f"CASE WHEN {present} THEN len({items}) END"
    if reduce == "share":
        return _share_sql(path, body, items, typed)
    if reduce == "any" and not path.keys:
        return f"CASE WHEN len({items_sql(path, body, every=True)}) > 0 THEN (len({items}) > 0)::INT END"
    if reduce == "sum":
        # a list without items (that meet the condition) sums to zero; a missing list says nothing
        none = f"{present} AND len({items_sql(replace(path, keys=()), body)}) = 0"
        return f"coalesce(list_sum({typed}), CASE WHEN {none} THEN 0 END)"
    forms = {
        "first": "{0}[1]", "last": "{0}[-1]", "mean": "list_avg({0})", "min": "list_min({0})",
        "max": "list_max({0})", "any": "list_max(list_transform({0}, lambda v: (v <> 0)::INT))",
    }  # fmt: skip
    return forms[reduce].format(typed)


def _single_sql(path: DocumentPath, reduce: str, kind: str, body: str) -> str:
    meets = condition_sql(path, body)
    if not path.keys:
        return f"({meets})::INT" if reduce == "share" else f"CASE WHEN {meets} THEN 1 END"
    value = f"json_extract({body}, {pointer(path.keys)})"
    if reduce == "count":
        return f"CASE WHEN {meets} AND json_type({value}) <> 'NULL' THEN 1 END"
    typed = f"{CASTS[kind]}({value})"
    return f"CASE WHEN {meets} THEN {f'({typed} <> 0)::INT' if reduce in ('share', 'any') else typed} END"


def _share_sql(path: DocumentPath, body: str, items: str, typed: str) -> str:
    """Return the share that the items with the condition have of all; of true values where there is no condition."""
    if not path.steps[-1].condition:
        return f"list_avg(list_transform({typed}, lambda v: (v <> 0)::INT))"
    every = items_sql(path, body, every=True)
    if not path.keys:
        return f"len({items}) / nullif(len({every}), 0)"
    total = f"list_sum(list_filter(list_transform({every}, lambda v: as_number(v)), lambda v: v IS NOT NULL))"
    return f"coalesce(list_sum({typed}), 0) / nullif({total}, 0)"

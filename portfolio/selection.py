"""What a user looks at: the portfolio and the chosen values of its segments."""

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Selection:
    """A portfolio and, for each filtered field, the values kept. Hashable, so it can be a cache's key.

    `models` are the references of the model versions that are looked at; none stands for all.
    """

    workspace: str
    portfolio: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    models: tuple[str, ...] = ()


def select_rows(table: ir.Table, where: tuple[tuple[str, tuple[str, ...]], ...]) -> ir.Table:
    """Return the rows of `table` that have one of the kept values in every filtered field."""
    conditions = [table[name].isin(values) for name, values in where if name in table.columns]
    return table.filter(*conditions) if conditions else table

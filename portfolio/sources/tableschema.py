# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""The schema that a complete mapping stands for."""

from dataclasses import replace

from portfolio.schema import Field, Kind, Role, Schema, Splits
from portfolio.sources import words
from portfolio.sources.mapping import FieldMapping, Mapping
from portfolio.sources.raw import RawTable


def build_schema(raw: RawTable, mapping: Mapping) -> Schema:
    """Return the schema that a complete mapping stands for."""
    fields = (
        []
        if mapping.id
        else [
            Field(
                row_id_name(raw),
                f"{raw.place.capitalize()} number",
                "category",
                ("id",),
                f"The {raw.place} of the file that the row stands on",
            )
        ]
    )
    for name, item in mapping.fields.items():
        fields.append(
            Field(
                name=name,
                label=item.label,
                kind=_kind(item),
                roles=_roles_of(item),
                description=item.description,
                unit=item.unit,
                categories=item.names or item.categories,
                expected_sign=item.expected_sign,
                group=item.group,
                meaning=item.meaning,
                minimum=item.minimum,
                maximum=item.maximum,
                actionable=item.actionable,
            )
        )
    words_given = {key: value for key, value in vars(mapping.portfolio).items() if value is not None}
    words_given.setdefault("title", words.make_label(raw.source.name.split(".")[0]))
    if "within" not in words_given:
        words_given["within"] = (
            f"within {mapping.portfolio.horizon_months} months" if mapping.portfolio.horizon_months else "as recorded"
        )
    return Schema(kind="table", fields=tuple(fields), splits=mapping.splits or Splits(), **words_given)


def row_id_name(raw: RawTable) -> str:
    """Return a name for the made id that no column has."""
    taken = {name.lower() for name in raw.names}
    return next(name for name in ("row", "row_id", "file_row", "file_row_id") if name not in taken)


def _kind(item: FieldMapping) -> Kind:
    return item.kind or "category"  # type: ignore[return-value]  # checked by Field


def _roles_of(item: FieldMapping) -> tuple[Role, ...]:
    return item.roles or ()  # type: ignore[return-value]  # checked by Field


def list_categories(raw: RawTable, schema: Schema) -> Schema:
    """Return the schema with the values of each category that is used and does not list them, sorted."""
    fields = []
    for item in schema.fields:
        used = item.kind == "category" and {"feature", "segment", "protected"} & set(item.roles)
        if used and not item.categories:
            column = f"k{raw.names.index(item.name)}"
            found = raw.connection.execute(
                f"SELECT DISTINCT {column} FROM kept WHERE {column} IS NOT NULL "
                f"ORDER BY TRY_CAST({column} AS DOUBLE), {column}"
            ).fetchall()
            item = replace(item, categories=tuple(row[0] for row in found))  # noqa: PLW2901
        fields.append(item)
    return replace(schema, fields=tuple(fields))

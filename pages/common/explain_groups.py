"""Fields or the schema's groups: which features are added up, and what the sums are called."""

from portfolio.schema import Schema

FIELDS, GROUPS = "Fields", "Groups"


def name_groups(schema: Schema) -> dict[str, str]:
    """Return the group's name of each feature in a group of two or more, such as "Rate (4 fields)"."""
    features = [item for item in schema.with_role("feature") if item.group]
    found = {}
    for item in features:
        size = sum(other.group == item.group for other in features)
        if size > 1:
            found[item.name] = f"{item.group[:1].upper()}{item.group[1:]} ({size} fields)"
    return found


def grouping(schema: Schema, by: str) -> tuple[tuple[str, str], ...]:
    """Return (feature, group) pairs for `by`, hashable for the cache: none where fields are shown one by one."""
    return tuple(name_groups(schema).items()) if by == GROUPS else ()

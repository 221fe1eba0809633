"""The schema comes back from its file as it went in, whatever the names, and wrong ones are refused by name."""

import datetime
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.errors import HypothecError
from portfolio.schema import RESERVED, Field, Schema, Splits, format_schema, load_schema, save_schema, toml_value

AWKWARD = [
    'the "quoted" one',
    "it's",
    "💶 saldo",
    "'; DROP TABLE loans; --",
    "back\\slash",
    "two\nlines",
    "tab\there",
    "Fryslân",
    "a.b.c",
    "[table]",
    "# comment",
    "=",
    "\x7f",
    "ß",
    "漢字",
    " x",
]
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
DATES = st.none() | st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1))


def schema_with(*names: str, **extra: object) -> Schema:
    fields = tuple(
        Field(name, f"label of {name}", "number", ("feature",), description=name, group=name) for name in names
    )
    return Schema("Title", "table", fields, **extra)


def round_trip(schema: Schema, folder) -> Schema:
    save_schema(schema, folder / "schema.toml")
    return load_schema(folder / "schema.toml")


def test_awkward_names_come_back(tmp_path):
    schema = schema_with(*AWKWARD, tiles=dict.fromkeys(AWKWARD, (1, 2)))
    assert round_trip(schema, tmp_path) == schema


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(NAMES.filter(lambda name: name not in RESERVED), min_size=1, max_size=5, unique=True),
    text=NAMES,
    minimum=NUMBERS,
    maximum=NUMBERS,
    sign=st.sampled_from([-1, 0, 1]),
    until=DATES,
    start=DATES,
    share=st.floats(0, 1),
)
def test_any_schema_comes_back(tmp_path_factory, names, text, minimum, maximum, sign, until, start, share):
    fields = tuple(
        Field(
            name, text, "category", ("feature", "segment"), text, text, (text, name), sign, text, text, minimum, maximum
        )
        for name in names
    )
    schema = Schema(
        text,
        "history",
        fields,
        text,
        text,
        text,
        text,
        True,
        12,
        Splits(until, start, share),
        dict.fromkeys(names, (0, -3)),
    )
    assert round_trip(schema, tmp_path_factory.mktemp("schema")) == schema


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_is_valid_toml(text):
    assert tomllib.loads(f"x = {toml_value(text)}") == {"x": text}


def test_a_bound_of_zero_is_kept(tmp_path):
    field = Field("x", "X", "number", ("feature",), minimum=0.0, maximum=0)
    assert round_trip(Schema("T", "table", (field,)), tmp_path).get("x").minimum == 0


def test_roles_are_asked_for(tmp_path):
    schema = Schema(
        "T",
        "table",
        (
            Field("k", "K", "category", ("id",)),
            Field("b", "B", "number", ("exposure", "feature")),
            Field("l", "L", "number", ("feature",), meaning="ltv"),
        ),
    )
    assert (schema.id.name, schema.exposure.name, schema.names("feature")) == ("k", "b", ["b", "l"])
    assert schema.meaning("ltv").name == "l"
    assert schema.meaning("income") is None
    with pytest.raises(HypothecError, match="no field with role 'target'"):
        schema.target  # noqa: B018
    with pytest.raises(HypothecError, match="no field 'z' in the schema; it has k, b, l"):
        schema.get("z")


@pytest.mark.parametrize(
    "roles", [("protected", "feature"), ("target", "feature"), ("id", "feature"), ("ignore", "feature")]
)
def test_protected_outcome_id_and_ignored_are_never_features(roles):
    with pytest.raises(HypothecError, match="cannot also be a model feature"):
        Field("race", "Race", "category", roles)


@pytest.mark.parametrize(
    ("kind", "roles", "message"),
    [
        ("text", ("feature",), "field 'x': kind must be one of number, category, date, got 'text'"),
        ("number", ("key",), "field 'x': role must be one of id, .*, got 'key'"),
    ],
)
def test_unknown_kinds_and_roles_are_refused(kind, roles, message):
    with pytest.raises(HypothecError, match=message):
        Field("x", "X", kind, roles)


@pytest.mark.parametrize("name", RESERVED)
def test_the_products_own_columns_are_refused(name):
    with pytest.raises(HypothecError, match=f"schema: {name} is the product's own column; rename the field"):
        schema_with(name)


def test_doubled_fields_and_two_targets_are_refused():
    with pytest.raises(HypothecError, match="each field once, got a more than once"):
        schema_with("a", "a")
    with pytest.raises(HypothecError, match="at most one field with role target"):
        Schema("T", "table", tuple(Field(name, name, "number", ("target",)) for name in "ab"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[portfolio\n", "cannot read the schema"),
        ('[portfolio]\ntitle = "T"\nkind = "table"\ncolour = "red"\n', "unknown key colour; Schema has"),
        (
            '[portfolio]\ntitle = "T"\nkind = "table"\n[[field]]\nname = "x"\n',
            "missing 3 required positional arguments",
        ),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "schema.toml"
    path.write_text(text)
    with pytest.raises(HypothecError, match=message) as error:
        load_schema(path)
    assert str(path) in str(error.value)


def test_the_text_reads_well():
    text = format_schema(schema_with("income"))
    assert '[[field]]\nname = "income"\nlabel = "label of income"\nkind = "number"\nroles = ["feature"]' in text


def test_what_can_be_acted_on_survives_the_file(tmp_path):
    fields = tuple(
        Field(name, name, kind, ("feature",), actionable=way)
        for name, kind, way in (
            ("a", "number", "up"),
            ("b", "category", "any"),
            ("c", "number", "no"),
            ("d", "number", ""),
        )
    )
    assert round_trip(Schema("T", "table", fields), tmp_path).fields == fields


@pytest.mark.parametrize(
    ("kind", "roles", "way", "message"),
    [
        ("number", ("feature",), "higher", "actionable must be one of up, down, any, no or left out, got 'higher'"),
        ("category", ("feature",), "up", "a category has no up"),
        ("number", ("segment",), "down", "only a feature can be acted on, its roles are segment"),
    ],
)
def test_what_cannot_be_acted_on_is_refused_by_name(kind, roles, way, message):
    with pytest.raises(HypothecError, match="field 'x'") as caught:
        Field("x", "X", kind, roles, actionable=way)
    assert message in str(caught.value)

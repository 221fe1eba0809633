"""Delivered files: paths, folders, globs and archives as a list of files, each opened as checked text."""

import csv
import glob
import re
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from portfolio.errors import HypothecError
from portfolio.sources.text import CHUNK, SNIFFED_LINES, TextFile, inspect_text, open_bytes, open_lines

MARK = "\x1f"  # stands between the fields of a file whose quotes have been resolved
TEXT_SUFFIXES = (".txt", ".csv", ".tsv", ".psv", ".dat")
ADVICE = re.compile(r" or set encoding = (\S+?),?( say,)? under \[table\] in the mapping")


@dataclass(frozen=True)
class Delivered:
    """One file of a delivery: `name` as the user knows it, where it is, and `rank`, higher for a later delivery."""

    name: str
    path: Path
    member: str
    rank: int

    @property
    def base(self) -> str:
        """The file's own name, without its folder or archive."""
        return Path(self.member or self.path).name


@dataclass(frozen=True)
class Lines:
    """An opened file: UTF-8 text of one record a line. `marked` files are made by `resolve_quotes`."""

    item: Delivered
    text: TextFile
    delimiter: str
    marked: bool = False


def find_files(given: Sequence[str | Path], suffixes: tuple[str, ...] = TEXT_SUFFIXES) -> list[Delivered]:
    """Return the files that paths, folders, globs and zip archives stand for, in the order of their delivery.

    A later delivery is the one with the later dates and numbers in its name or, if any of the names has
    none, the one given later. A file reached twice counts once.
    """
    paths = list(dict.fromkeys(path for one in given for path in _expand(str(one), suffixes)))
    found = [part for path in paths for part in _members(path, suffixes)]
    if not found:
        raise HypothecError(f"{', '.join(map(str, given)) or 'nothing'}: there is no file to read in it")
    keys = [delivery_key(Path(member or path).name) for path, member in found]
    order = sorted(range(len(found)), key=lambda place: keys[place]) if all(keys) else list(range(len(found)))
    names = _names([path for path, _ in found])
    return [
        Delivered("/".join(filter(None, (names[found[place][0]], found[place][1]))), *found[place], rank)
        for rank, place in enumerate(order)
    ]


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the shortest ends of the paths that tell them apart."""
    alike, depth = list(dict.fromkeys(paths)), 1
    names: dict[Path, str] = {}
    while alike:
        ends = {path: "/".join(path.parts[-depth:]) for path in alike}
        counts = Counter(ends.values())
        names |= {path: end for path, end in ends.items() if counts[end] == 1 or depth >= len(path.parts)}
        alike, depth = [path for path in alike if path not in names], depth + 1
    return names


def delivery_key(name: str) -> tuple[int, ...]:
    """Return the numbers in a file's name, dates written in any of the usual ways alike; () if it has none.

    >>> delivery_key("1_RMB_UE_RMBMNL000123_2024-03-31_2.csv") > delivery_key("1_RMB_UE_RMBMNL000123_2024-03-31_1.csv")
    True
    >>> delivery_key("perf_202403.txt") < delivery_key("perf_2024-04.txt")
    True
    """
    dates = re.findall(r"((?:19|20)\d\d)[-_.]?(?:Q([1-4])|(\d\d))?(?:[-_.]?(\d\d))?(?!\d)", name)
    numbers = re.findall(r"[_-](\d{1,4})(?=\.[A-Za-z]+(?:\.gz)?$)", name)
    when = [(int(year), 3 * int(quarter) if quarter else int(month or 0), int(day or 0))
            for year, quarter, month, day in dates]  # fmt: skip
    return (*(part for date in when for part in date), *(int(number) for number in numbers)) if when else ()


def _expand(given: str, suffixes: tuple[str, ...]) -> list[Path]:
    path = Path(given)
    if path.is_dir():
        inside = sorted(item for item in path.rglob("*") if item.is_file() and _wanted(item.name, (*suffixes, ".zip")))
        if not inside:
            raise HypothecError(f"{given}: the folder holds no {', '.join(suffixes)} or .zip file")
        return [item.absolute() for item in inside]
    if path.is_file():
        return [path.absolute()]
    matched = sorted(Path(item) for item in glob.glob(given, recursive=True))  # noqa: PTH207 (absolute patterns too)
    if not matched:
        raise HypothecError(f"{given}: there is no such file")
    return [found for item in matched for found in _expand(str(item), suffixes)]


def _wanted(name: str, suffixes: tuple[str, ...]) -> bool:
    return not name.startswith(".") and name.lower().removesuffix(".gz").endswith(suffixes)


def _members(path: Path, suffixes: tuple[str, ...]) -> list[tuple[Path, str]]:
    if path.suffix.lower() != ".zip":
        return [(path, "")]
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item.filename for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise HypothecError(f"{path.name}: the zip file is truncated or damaged ({error}); copy it again") from None
    wanted = sorted(name for name in names if _wanted(Path(name).name, suffixes) and not name.startswith("__MACOSX"))
    if not wanted:
        raise HypothecError(f"{path.name}: the zip file holds no {', '.join(suffixes)} file")
    return [(path, name) for name in wanted]


@contextmanager
def open_lines_of(
    item: Delivered, scratch: Path, delimiters: str, *, quotes: bool, encoding: str = "utf-8"
) -> Iterator[Lines]:
    """Read a file once from end to end, refuse it if it is damaged, and yield it as text with its delimiter.

    A member of a zip archive is unpacked into `scratch` for as long as it is open. Where `quotes` have a meaning, a
    file that has any is copied there with its quotes resolved, one line a record.
    """
    folder = scratch / "open"
    folder.mkdir()
    try:
        source = _unpack(item, folder) if item.member else item.path
        text = _inspect(item, source, folder, encoding)
        delimiter = _delimiter(text, delimiters)
        if quotes and _has_quotes(text):
            yield resolve_quotes(item, text, delimiter, folder)
        else:
            yield Lines(item, text, delimiter)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(item: Delivered, folder: Path) -> Path:
    target = folder / item.base
    try:
        with zipfile.ZipFile(item.path) as archive, archive.open(item.member) as stream, target.open("wb") as out:
            shutil.copyfileobj(stream, out, CHUNK)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise HypothecError(f"{item.name}: the zip file is truncated or damaged ({error}); copy it again") from None
    return target


def _inspect(item: Delivered, source: Path, folder: Path, encoding: str) -> TextFile:
    try:
        return inspect_text(source, folder, encoding)
    except HypothecError as error:
        said = ADVICE.sub(r" or name its encoding with --encoding \1", str(error)).replace('"', "")
        raise HypothecError(said.replace(source.name, item.name, 1)) from None


def _has_quotes(text: TextFile) -> bool:
    with open_bytes(text.path) as stream:
        return any(b'"' in chunk for chunk in iter(lambda: stream.read(CHUNK), b""))


def _delimiter(text: TextFile, delimiters: str) -> str:
    """Return which of `delimiters` cuts the first line into most fields; the first one if none cuts it."""
    first = first_lines(text, 1)[0]
    return max(delimiters, key=lambda mark: (first.count(mark), -delimiters.index(mark)))


def first_lines(text: TextFile, count: int = SNIFFED_LINES) -> list[str]:
    """Return the first lines that are not blank, without their ends."""
    with open_lines(text) as stream:
        return list(islice((line.rstrip("\r\n") for line in stream if line.strip()), count))


def read_names(lines: Lines) -> list[str]:
    """Return the column names of an opened file's first row."""
    cells = first_lines(lines.text, 1)[0].split(lines.delimiter)
    return [cell.strip() for cell in cells[int(lines.marked) :]]


def most_common_width(lines: Sequence[str], delimiter: str) -> int:
    """Return how many fields most of the lines have."""
    return Counter(line.count(delimiter) + 1 for line in lines).most_common(1)[0][0]


def resolve_quotes(item: Delivered, text: TextFile, delimiter: str, folder: Path) -> Lines:
    """Copy a file with quoted fields to one line a record: the line it starts on, then the fields, between MARKs."""
    copy = folder / "resolved.txt"
    with open_lines(text) as stream, copy.open("w", encoding="utf-8", newline="\n") as out:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        start = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise HypothecError(
                    f"{item.name}: line {start}: a quote is opened and never closed, or goes on after it ({error})"
                ) from None
            if row:
                fields = (" ".join(cell.replace(MARK, " ").splitlines()) for cell in row)
                out.write(MARK.join((str(start), *fields)) + "\n")
            start = reader.line_num + 1
    return Lines(item, TextFile(text.source, copy, text.lines), MARK, marked=True)

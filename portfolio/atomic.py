"""Atomic writes: a killed run leaves the former state readable.

Files are written beside their place and renamed over it. A directory cannot be renamed over
a full one, so the former one is moved to ``.<name>.previous`` first; if a run dies between the two
renames, `recover_directory` (called whenever a workspace is opened) moves it back.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portfolio.errors import HypothecError

PREFIX = ".building-"
SWAPS = 100


@contextlib.contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it over `target` if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp gives 0600: a mounted workspace is read by others too
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write `text` to `target` atomically, as UTF-8."""
    with replace_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replace_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target`; it takes `target`'s place if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{target.name}-", dir=target.parent))
    building.chmod(0o755)
    previous = previous_directory(target)
    try:
        yield building
        recover_directory(target)  # a killed run may have left the only good state parked
        shutil.rmtree(previous, ignore_errors=True)
        _swap(building, target, previous)
        shutil.rmtree(previous, ignore_errors=True)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        recover_directory(target)


def _swap(building: Path, target: Path, previous: Path) -> None:
    """Rename `target` to `previous` and `building` to `target`."""
    for _ in range(SWAPS):
        if target.exists():
            target.rename(previous)
        try:
            building.rename(target)
            return
        except OSError:
            # a reader that opened the workspace between the two renames has put the former state back
            if not target.exists():
                raise
    raise HypothecError(f"{target} is opened by other programs all the time; stop them, then try again")


def previous_directory(target: Path) -> Path:
    """Where `replace_directory` parks the former state for the instant between its two renames."""
    return target.parent / f".{target.name}.previous"


def recover_directory(target: Path) -> None:
    """Put the former state back if a run was killed between the two renames of `replace_directory`."""
    previous = previous_directory(target)
    if previous.exists() and not target.exists():
        previous.rename(target)


def remove_leftovers(folder: Path) -> None:
    """Delete what killed runs left half-written in `folder` (call it under `lock_folder`)."""
    for leftover in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the one writer's lock of `folder`; the system frees it when the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HypothecError(
                f"{folder} is being written by another run; wait for it to end, then try again"
            ) from None
        yield

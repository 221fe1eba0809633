"""A killed or failed writer leaves the former state readable, and one writer works at a time."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from portfolio.atomic import (
    PREFIX,
    lock_folder,
    previous_directory,
    recover_directory,
    remove_leftovers,
    replace_directory,
    replace_file,
    write_text,
)
from portfolio.errors import HypothecError

ROOT = Path(__file__).parents[2]


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fail_in_file(target: Path) -> None:
    with replace_file(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError


def fail_in_directory(target: Path) -> None:
    with replace_directory(target) as building:
        (building / "file").write_text("half")
        raise ZeroDivisionError


def fill(target: Path, text: str) -> None:
    with replace_directory(target) as building:
        (building / "file").write_text(text)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    write_text(target, "é 💶")
    assert target.read_text(encoding="utf-8") == "é 💶"
    with pytest.raises(ZeroDivisionError):
        fail_in_file(target)
    assert target.read_text(encoding="utf-8") == "é 💶"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_a_replaced_file_can_be_read_by_others(tmp_path):
    write_text(tmp_path / "file", "x")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_directory_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "book"
    fill(target, "old")
    with pytest.raises(ZeroDivisionError):
        fail_in_directory(target)
    assert (target / "file").read_text() == "old"
    fill(target, "new")
    assert (target / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["book"]


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from portfolio.atomic import replace_directory
    left, rename = int(sys.argv[2]), os.rename
    def dying(*names):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        rename(*names)
    os.rename = dying
    with replace_directory(Path(sys.argv[1])) as building:
        (building / "file").write_text("new")
    """


@pytest.mark.parametrize("survived", [0, 1])
def test_kill_at_each_rename_leaves_the_former_directory(tmp_path, survived):
    """SIGKILL before the first rename, and between the two: the former state is there or is put back."""
    target = tmp_path / "book"
    fill(target, "old")
    done = run(KILLED, target, survived)
    assert done.returncode == -9, done.stderr
    assert target.exists() is (survived == 0)
    recover_directory(target)
    assert (target / "file").read_text() == "old"
    remove_leftovers(tmp_path)
    fill(target, "next")
    assert (target / "file").read_text() == "next"
    assert [path.name for path in tmp_path.iterdir()] == ["book"]


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_two_kills_in_a_row_leave_the_former_directory(tmp_path, survived):
    """The first run died between its renames, so the only good state is parked; the second dies at any rename."""
    target = tmp_path / "book"
    fill(target, "old")
    target.rename(previous_directory(target))
    done = run(KILLED, target, survived)
    assert done.returncode == -9, done.stderr
    recover_directory(target)
    assert (target / "file").read_text() == "old"


def test_a_run_after_a_kill_does_not_destroy_the_only_good_state(tmp_path):
    """Killed between the renames, then a second run fails before any reader has recovered: the state survives."""
    target = tmp_path / "book"
    fill(target, "old")
    target.rename(previous_directory(target))
    with pytest.raises(ZeroDivisionError):
        fail_in_directory(target)
    assert (target / "file").read_text() == "old"


def test_a_reader_that_recovers_between_the_renames_does_not_stop_the_writer(tmp_path, monkeypatch):
    target = tmp_path / "book"
    fill(target, "old")
    rename = os.rename
    meddled = []

    def meddling(source, destination):
        rename(source, destination)
        if Path(destination) == previous_directory(target) and not meddled:
            meddled.append(True)
            recover_directory(target)  # what list_portfolios does for any page that is drawn just now

    monkeypatch.setattr(os, "rename", meddling)
    fill(target, "new")
    assert meddled
    assert (target / "file").read_text() == "new"


def test_recovery_never_overwrites_a_present_state(tmp_path):
    target = tmp_path / "book"
    fill(target, "new")
    previous_directory(target).mkdir()
    recover_directory(target)
    assert (target / "file").read_text() == "new"


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / f"{PREFIX}book-1" / "deep").mkdir(parents=True)
    (tmp_path / f"{PREFIX}x.toml").write_text("")
    (tmp_path / "building").mkdir()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["building"]


def test_a_second_writer_is_refused_by_name_and_the_lock_dies_with_its_holder(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from portfolio.atomic import lock_folder
        from portfolio.errors import HypothecError
        try:
            with lock_folder(Path(sys.argv[1])):
                print("locked")
        except HypothecError as error:
            print(error)
        """
    with lock_folder(tmp_path):
        said = run(code, tmp_path).stdout
        assert said == f"{tmp_path} is being written by another run; wait for it to end, then try again\n"
    assert run(code, tmp_path).stdout == "locked\n"
    killed = run(
        """
        import os, signal, sys
        from pathlib import Path
        from portfolio.atomic import lock_folder
        with lock_folder(Path(sys.argv[1])):
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert killed.returncode == -9
    assert run(code, tmp_path).stdout == "locked\n"


def test_the_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(HypothecError), lock_folder(tmp_path):
        raise HypothecError("x")
    with lock_folder(tmp_path):
        pass

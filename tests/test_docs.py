"""The documents are tests: the README's tree equals the files, its commands exist, the glossary covers the words."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
# Tests mirror the packages and are not listed one by one; the picture and the font are not code.
UNLISTED = re.compile(r"^(tests/.+|docs/.+|static/.+|.+/__init__\.py|CHANGELOG\.md|README\.md|CONTRIBUTING\.md)$")


def tracked():
    """The repository's files, as git knows them, or all files outside a checkout."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, "this test reads the list of files from git"
    return sorted(path for path in done.stdout.splitlines() if (ROOT / path).exists() and not UNLISTED.match(path))


def role(path):
    """A Python file's role: the first line of its docstring."""
    return ast.get_docstring(ast.parse((ROOT / path).read_text())).splitlines()[0]


def tree():
    """The README's tree: path → role."""
    block = README.split("<!-- tree -->")[1].split("```")[1]
    return dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in block.strip().splitlines()[1:])


def test_the_tree_in_the_readme_equals_the_files():
    assert sorted(tree()) == tracked()


def test_the_roles_in_the_tree_are_the_docstrings():
    listed = tree()
    assert {path: text for path, text in listed.items() if path.endswith(".py") and text != role(path)} == {}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python cli\.py ((?:models |ingest )?[a-z]+)", README))))
def test_commands_in_the_readme_exist(command):
    from click.testing import CliRunner

    from cli import main

    assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0


def test_make_targets_in_the_readme_exist():
    targets = set(re.findall(r"`make ([a-z]+)", README))
    assert {"run", "test", "bench"} <= targets
    assert all(re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for name in targets)


def test_the_screenshot_is_small():
    picture = ROOT / "docs" / "screenshot.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size <= 300_000


def test_every_requirement_is_pinned_and_locked():
    locked = (ROOT / "constraints.txt").read_text()
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                bare = re.sub(r"\[.*\]", "", line)
                assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", bare), f"{name}: {line} is not pinned"
                assert f"{bare}\n" in locked, f"{bare} is not what constraints.txt says; run `make lock`"


def test_every_environment_variable_is_documented():
    used = {name for path in map(ROOT.joinpath, tracked()) if path.suffix == ".py"
            for name in re.findall(r"HYPOTHEC_[A-Z_]+", path.read_text())}  # fmt: skip
    assert used
    assert {name for name in used if name not in README} == set()


def test_the_glossary_is_in_order():
    terms = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", (ROOT / "CONTRIBUTING.md").read_text().split("## Glossary")[1],
                       re.MULTILINE)[1:]  # fmt: skip
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) > 30


if __name__ == "__main__":  # prints the tree to paste into the README
    for path in tracked():
        print(f"{path:44} {role(path) if path.endswith('.py') else '…'}")  # noqa: T201

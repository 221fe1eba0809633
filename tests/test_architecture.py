"""The house's rules, read from the code: which package may import which, and where Streamlit may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "analytics": {"analytics"},
    "portfolio": {"portfolio"},
    "models": {"models", "analytics", "portfolio"},
    "pages": {"pages", "models", "analytics", "portfolio"},
}
STREAMLIT = {"pages"}


def imports_of(path):
    """Every module a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            yield node.module


def files(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no files in {package}: this test would pass on nothing"
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    for path in files(package):
        for module in imports_of(path):
            top = module.split(".")[0]
            assert top not in set(ALLOWED) - ALLOWED[package], f"{path.relative_to(ROOT)} imports {module}"
            assert top != "streamlit" or package in STREAMLIT, f"{path.relative_to(ROOT)} imports streamlit"


def test_no_file_lies_directly_in_pages():
    # Streamlit serves pages/*.py beside app.py by itself, past the sign-in gate.
    assert list((ROOT / "pages").glob("*.py")) == []


def test_every_page_opens_through_the_gate():
    pages = [path for path in files("pages") if path.parent.name != "common"]
    assert len(pages) >= 3
    for path in pages:
        assert "shell.open_page(" in path.read_text(), f"{path.name} does not ask the gate"


def test_only_one_module_caches():
    for path in files("pages"):
        if path.name != "cached.py":
            assert "st.cache" not in path.read_text(), (
                f"{path.relative_to(ROOT)} caches; pages/common/cached.py does that"
            )


@pytest.mark.parametrize("package", ["pages", "portfolio"])
def test_heavy_libraries_load_only_where_needed(package):
    # A page that shows a table must not wait for these; they are imported inside the functions that need them.
    heavy = {"sklearn", "shap", "keras", "jax", "optbinning", "joblib", "numba"}
    for path in files(package):
        tree = ast.parse(path.read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name.split(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module.split(".")[0] for node in top if isinstance(node, ast.ImportFrom)}
        assert not names & heavy, f"{path.relative_to(ROOT)} imports {names & heavy} at the top"


def test_files_stay_small():
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines())
            for package in ALLOWED for path in files(package)}  # fmt: skip
    assert {name: lines for name, lines in long.items() if lines > 320} == {}


def test_nothing_is_asserted_for_users():
    for package in ALLOWED:
        for path in files(package):
            for node in ast.walk(ast.parse(path.read_text())):
                assert not isinstance(node, ast.Assert), f"{path.relative_to(ROOT)}:{node.lineno} asserts"
                bare = isinstance(node, ast.ExceptHandler) and node.type is None
                assert not bare, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} excepts everything"

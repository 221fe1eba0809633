import pytest

from tests.models.toy import make_loans, write_portfolio


@pytest.fixture(scope="session")
def loans():
    return make_loans()


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory, loans):
    """A portfolio that tests may read but not change."""
    root = tmp_path_factory.mktemp("toy") / "toy"
    write_portfolio(root, *loans)
    return root


@pytest.fixture
def toy(tmp_path, loans):
    """A portfolio of its own for a test that changes it."""
    return write_portfolio(tmp_path / "toy", *loans)

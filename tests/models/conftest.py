import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from models.training import TrainConfig, load_training_data, train
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
from tests.models.toy import make_loans, write_portfolio

# Compiling is most of what fitting a small network costs; JAX reads these when it is imported.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    compiled = tempfile.mkdtemp(prefix="hypothec-jax-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": compiled, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true")


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


@pytest.fixture(scope="session")
def unscored_root(tmp_path_factory, loans):
    portfolio = write_portfolio(tmp_path_factory.mktemp("unscored") / "toy", *loans)
    engine = Engine(portfolio)
    data = load_training_data(engine)
    for name in ("scorecard", "second"):
        train(engine, TrainConfig("scorecard", name), data=data)
    return portfolio.root


@pytest.fixture
def unscored(unscored_root, tmp_path):
    """An engine on a portfolio of its own with two scorecards, "scorecard" and "second", and no scores."""
    return Engine(Portfolio(Path(shutil.copytree(unscored_root, tmp_path / "toy"))))

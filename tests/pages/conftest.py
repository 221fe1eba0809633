"""Opening a page of the app on a portfolio, and reading its words."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import memory
from tests.conftest import ROOT


@pytest.fixture
def open_app(demo_workspace, monkeypatch):
    """Return a function that opens a page of the app on a portfolio."""
    memory.settle_libraries()  # other tests of this process have loaded most of them

    def start(page, portfolio="demo", workspace=demo_workspace, **query):
        monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(workspace))
        monkeypatch.setenv("HYPOTHEC_PORTFOLIO", portfolio)
        monkeypatch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.query_params.update(query)
        app.run()
        app.switch_page(page).run()
        assert not app.exception, app.exception
        return app

    return start


def words(app):
    """All text that the page shows."""
    text = "\n".join(item.value for kind in (app.markdown, app.info, app.caption, app.header) for item in kind)
    return text.replace("\\", "")  # Markdown's escapes are not seen by a reader

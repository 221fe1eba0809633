"""A fresh server and a real Chromium. Without a browser these tests fail: nobody would see a skipped one."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
# On a deep link Streamlit's own front end looks for its server below the page's path first; these two may be missing.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@contextmanager
def serve(workspace, **env):
    """Run `streamlit run app.py` on a free port and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "HYPOTHEC_WORKSPACE": str(workspace), **env})  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def chromium_path():
    """Return where Chromium is, or fail: `make test` finds or installs one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium found: `make test` finds or installs one, or set CHROMIUM to its path"
    return path


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium, for all browser tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A browser page that remembers what went wrong while it was looked at."""

    page: object
    address: str
    foreign: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    console: list = field(default_factory=list)

    def __post_init__(self):
        self.page.on("request", self._note_request)
        self.page.on("response", self._note_response)
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("websocket", lambda socket: self._note_url(socket.url))

    def _note_url(self, url):
        host = self.address.removeprefix("http://")
        if not url.startswith(("data:", "blob:", f"http://{host}/", f"ws://{host}/")):
            self.foreign.append(url)

    def _note_request(self, request):
        self._note_url(request.url)

    def _note_response(self, response):
        path = response.url.removeprefix(self.address).split("?")[0]
        if response.status >= 400 and not (path.endswith(PROBES) and not path.startswith("/_stcore")):
            self.failed.append((response.status, response.url))

    def _note_console(self, message):
        missing = "Failed to load resource" in message.text  # judged by its response above
        if message.type == "error" and not missing:
            self.console.append(message.text)

    def open(self, path, **query):
        """Open a page and wait until it is painted and nothing runs any more."""
        text = "&".join(f"{key}={value}" for key, value in query.items())
        self.page.goto(f"{self.address}/{path}{'?' + text if text else ''}")
        self.settle()

    def settle(self):
        """Wait until the script has run and its charts are drawn."""
        self.page.wait_for_selector("[data-testid=stMain] [data-testid=stHeading]", timeout=60_000)
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
        self.page.wait_for_timeout(700)

    def check(self):
        """Nothing is broken: no error on the page or in the console, and no request left the machine."""
        assert self.page.locator("[data-testid=stException]").count() == 0
        assert self.page.locator("[data-testid=stAlertContentError]").count() == 0
        assert self.console == []
        assert self.failed == []
        assert self.foreign == []


@pytest.fixture(scope="session")
def looks(chromium):
    """Browser contexts by size and scheme that tests share: what a server's front end sent once is not sent again."""
    return {}


@pytest.fixture
def visit(chromium, looks):
    """Return a function that opens a browser page of a size and colour scheme on a server's address.

    The browser is a fresh one unless `shared`: for tests that only look, which is most of the pages' pictures.
    """
    pages, contexts = [], []

    def start(address, *, width=1280, height=900, scheme="light", shared=False):
        look = (width, height, scheme)
        context = looks.get(look) if shared else None
        if context is None:
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            if shared:
                looks[look] = context
            else:
                contexts.append(context)
        pages.append(context.new_page())
        return Visitor(pages[-1], address)

    yield start
    for item in (*pages, *contexts):
        item.close()

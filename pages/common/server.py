"""The server around the pages: security headers on every answer, and caches filled before the first visitor."""

import contextlib
import functools
import threading
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from portfolio.errors import HypothecError

PAUSE = 4  # seconds in which the first visitor's page has the machine to itself before the models are loaded

# The browser itself is told to ask nobody but this server. Streamlit writes styles and starts scripts inline.
POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
          "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: data: blob:; "
          "worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'")  # fmt: skip
HEADERS = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
           (b"x-frame-options", b"SAMEORIGIN"), (b"referrer-policy", b"same-origin"))  # fmt: skip


class SecurityHeaders:
    """ASGI middleware that adds `HEADERS` to every HTTP answer; websockets pass untouched."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Handle one request."""

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *HEADERS]
                if (b"content-type", b"text/html; charset=utf-8") in headers:
                    headers.append((b"link", _preload().encode()))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


@functools.cache
def _preload() -> str:
    """Return the header by which the browser loads the chart library at once and not when the first chart comes."""
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    return ", ".join(f"<./static/js/{path.name}>; rel=modulepreload" for path in folder.glob("PlotlyChart.*.js"))


def middleware() -> list[Middleware]:
    """Return what `st.App` puts around every request."""
    return [Middleware(SecurityHeaders)]


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Prepare the server before its first visitor."""
    # A folder called pages beside app.py makes Streamlit take the app for one of its first kind until some visitor
    # has run st.navigation: a deep link to a fresh server would be told "Page not found" first.
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_warm_up, daemon=True).start()
    yield


def _warm_up() -> None:
    """Fill the caches of the first page while the browser still loads the front end."""
    from pages.common import book_words, memory, overview_parts, shell, what_if_data

    with contextlib.suppress(HypothecError):  # no portfolio yet: the page itself says so
        view = shell.first_view()
        words = book_words.Words(view)
        words.cards()
        alerts = overview_parts.prepare(view)
        words.regions()
        for segment in words.segments()[:1]:
            words.outcomes_by(segment)
        alerts.data_alerts()  # they take longest and are drawn last
        time.sleep(PAUSE)
        what_if_data.warm_up(view.selection)
    memory.settle()

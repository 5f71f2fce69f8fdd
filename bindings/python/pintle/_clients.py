"""Recipes for HTTP clients: each is imported when it is asked for.

`Pintle.ssl_context` alone is enough for every one of them. What a recipe adds: kept connections are left behind when trust
changes rather than failing once, a handshake that cannot wait is tried once more after a refresh, and `http` is refused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ._context import find_refusal

if TYPE_CHECKING:
    import ssl

    import aiohttp
    import httpx
    import requests
    import requests.adapters
    import urllib3

    from ._pintle import Pintle


def urllib3_pool_manager(
    pintle: Pintle, ssl_context: ssl.SSLContext | None = None, **options: Any
) -> urllib3.PoolManager:
    """A `urllib3.PoolManager`; `options` are its own."""
    import urllib3

    class PinnedPoolManager(urllib3.PoolManager):
        _generation = pintle.generation

        def connection_from_host(self, host: Any, port: Any = None, scheme: Any = "http", **rest: Any) -> Any:
            if scheme != "https":
                raise urllib3.exceptions.URLSchemeUnknown(f"{scheme} (pinned: https only)")
            if self._generation != pintle.generation:
                self._generation = pintle.generation
                self.clear()
            return super().connection_from_host(host, port, scheme, **rest)

    return PinnedPoolManager(ssl_context=ssl_context or pintle.ssl_context(), **options)


def requests_adapter(
    pintle: Pintle, ssl_context: ssl.SSLContext | None = None, **options: Any
) -> requests.adapters.HTTPAdapter:
    """An adapter for `Session.mount("https://", …)`; `options` are those of `HTTPAdapter`."""
    import requests.adapters

    context = ssl_context or pintle.ssl_context()

    class PinnedAdapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **rest: Any) -> None:
            self.poolmanager = urllib3_pool_manager(
                pintle, context, num_pools=connections, maxsize=maxsize, block=block, **rest
            )

        def proxy_manager_for(self, proxy: str, **rest: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=context, **rest)

    return PinnedAdapter(**options)


def requests_session(pintle: Pintle, ssl_context: ssl.SSLContext | None = None) -> requests.Session:
    """A `requests.Session` all of whose requests are pinned; `http` is refused."""
    import requests

    session = requests.Session()
    session.adapters.clear()
    session.mount("https://", requests_adapter(pintle, ssl_context))
    return session


def httpx_transport(pintle: Pintle, ssl_context: ssl.SSLContext | None = None, **options: Any) -> httpx.BaseTransport:
    """For `httpx.Client(transport=…)`; `options` are those of `HTTPTransport`."""
    import httpx

    context = ssl_context or pintle.ssl_context()

    class PinnedTransport(httpx.BaseTransport):
        def __init__(self) -> None:
            self._current = (pintle.generation, httpx.HTTPTransport(verify=context, **options))

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            _demand_https(httpx, request)
            if self._current[0] != pintle.generation:
                # Connections of the earlier one end when their responses do.
                self._current = (pintle.generation, httpx.HTTPTransport(verify=context, **options))
            return self._current[1].handle_request(request)

        def close(self) -> None:
            self._current[1].close()

    return PinnedTransport()


def httpx_async_transport(
    pintle: Pintle, ssl_context: ssl.SSLContext | None = None, **options: Any
) -> httpx.AsyncBaseTransport:
    """For `httpx.AsyncClient(transport=…)`; `options` are those of `AsyncHTTPTransport`."""
    import anyio.to_thread
    import httpx

    context = ssl_context or pintle.ssl_context()

    class PinnedTransport(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self._current = (pintle.generation, httpx.AsyncHTTPTransport(verify=context, **options))

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            _demand_https(httpx, request)
            try:
                return await self._transport().handle_async_request(request)
            except httpx.ConnectError as error:
                if not _may_retry(error):
                    raise
            # The handshake could not wait for news; no byte of the request is out.
            await anyio.to_thread.run_sync(pintle._open().wait_for_forced_refresh)
            return await self._transport().handle_async_request(request)

        def _transport(self) -> httpx.AsyncHTTPTransport:
            if self._current[0] != pintle.generation:
                self._current = (pintle.generation, httpx.AsyncHTTPTransport(verify=context, **options))
            return self._current[1]

        async def aclose(self) -> None:
            await self._current[1].aclose()

    return PinnedTransport()


def aiohttp_connector(
    pintle: Pintle, ssl_context: ssl.SSLContext | None = None, **options: Any
) -> aiohttp.TCPConnector:
    """For `aiohttp.ClientSession(connector=…)`; `options` are those of `TCPConnector`."""
    import aiohttp

    context = ssl_context or pintle.ssl_context()

    class PinnedConnector(aiohttp.TCPConnector):
        async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
            if not req.is_ssl() or req.ssl is not True:
                raise aiohttp.InvalidURL(req.url, "pinned: https only, with the connector's own TLS")
            try:
                return await super().connect(req, traces, timeout)
            except aiohttp.ClientConnectorError as error:
                if not _may_retry(error):
                    raise
            await asyncio.to_thread(pintle._open().wait_for_forced_refresh)
            return await super().connect(req, traces, timeout)

    return PinnedConnector(ssl=context, **options)


def _demand_https(httpx: Any, request: Any) -> None:
    if request.url.scheme != "https":
        raise httpx.UnsupportedProtocol(f"{request.url.scheme} is not pinned: https only")


def _may_retry(error: BaseException) -> bool:
    refusal = find_refusal(error)
    return refusal is not None and refusal.code == "retry_after_refresh"

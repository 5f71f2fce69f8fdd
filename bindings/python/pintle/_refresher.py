"""Makes the requests that the native half asks for, on threads of its own, with nothing of the app's in them."""

from __future__ import annotations

import atexit
import functools
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
import weakref

from ._native import USER_AGENT, Fetch, Native, end

_CHUNK = 65536


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a failure: it ends as the status it is."""

    def redirect_request(self, *_: object) -> None:
        return None


class Fetcher:
    """One request at a time, by `urllib`."""

    def __init__(self, context: ssl.SSLContext | None, use_proxies: bool) -> None:
        self._context = context
        self._use_proxies = use_proxies

    @functools.cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        """Made for the first request: the platform's authorities take longer to read than everything else of a start from disk."""
        proxies = urllib.request.ProxyHandler() if self._use_proxies else urllib.request.ProxyHandler({})
        context = self._context if self._context is not None else ssl.create_default_context()
        return urllib.request.build_opener(_NoRedirect, proxies, urllib.request.HTTPSHandler(context=context))

    def fetch(self, native: Native, fetch: Fetch) -> None:
        """Makes it and gives the answer."""
        headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        if fetch.etag is not None:
            headers["If-None-Match"] = fetch.etag
        if fetch.no_cache:
            headers["Cache-Control"] = "no-cache"
        if fetch.body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(fetch.url, data=fetch.body, headers=headers)
        deadline = time.monotonic() + fetch.timeout
        try:
            try:
                response = self._opener.open(request, timeout=fetch.timeout)
            except urllib.error.HTTPError as answered:
                response = answered
            with response:
                body = b"" if response.status != 200 or fetch.body is not None else _read(response, fetch.max_bytes, deadline)
            etag, retry_after = response.headers.get("ETag"), response.headers.get("Retry-After")
        except Exception as error:  # whatever it is, there is no answer
            native.fail(fetch, f"{type(error).__name__}: {error}")
            return
        native.answer(fetch, response.status, etag, retry_after, body)


def _read(response: object, max_bytes: int, deadline: float) -> bytes:
    chunks, total = [], 0
    while chunk := response.read1(_CHUNK):  # type: ignore[attr-defined]
        total += len(chunk)
        if total > max_bytes:
            raise ValueError(f"more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("the last byte did not come in time")
        chunks.append(chunk)
    length = response.headers.get("Content-Length")  # type: ignore[attr-defined]
    if length is not None and length.isdigit() and int(length) != total:
        raise ConnectionError("the connection ended before the last byte")
    return b"".join(chunks)


class Refresher:
    """Runs in the background until it is stopped or nobody holds the installation any more."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._wake = threading.Event()
        self._stopped = False
        self._native: weakref.ref[Native] | None = None

    def wake(self) -> None:
        self._wake.set()

    def start(self, owner: object, native: Native) -> None:
        self._native = weakref.ref(owner)  # type: ignore[arg-type]
        self._start_thread()
        _running.add(self)

    def _start_thread(self) -> None:
        self._wake = threading.Event()
        threading.Thread(target=self._run, name="pintle", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            owner = self._native() if self._native is not None else None
            if owner is None:
                return
            native: Native = owner._native  # type: ignore[attr-defined]
            # Cleared before polling, so that no news is slept through.
            self._wake.clear()
            action = native.poll()
            while isinstance(action, Fetch):
                threading.Thread(
                    target=self._fetcher.fetch, args=(native, action), name="pintle-fetch", daemon=True
                ).start()
                action = native.poll()
            del owner, native
            self._wake.wait(min(action, threading.TIMEOUT_MAX))


_running: weakref.WeakSet[Refresher] = weakref.WeakSet()


def _restart_after_fork() -> None:
    # Threads do not survive a fork; what they refresh does.
    for refresher in list(_running):
        if not refresher._stopped:
            refresher._start_thread()


# Threads, the app's own among them, may be in the native half while the interpreter ends.
atexit.register(end)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_after_fork)

"""Every client in the gauntlet."""

import asyncio
import http.client
import os
import ssl
import unittest
from pathlib import Path

import aiohttp
import httpx
import pintle
import requests
import urllib3
from gauntlet import Gauntlet



class HttpClient:
    """The context alone, and a connection that is kept."""

    name = "http.client"

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.context, self.kept = context, {}

    def get(self, host: str, port: int) -> int:
        connection = self.kept.get(host)
        if connection is None:
            connection = self.kept[host] = http.client.HTTPSConnection(host, port, context=self.context, timeout=20)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            response.read()
            return response.status
        except Exception:
            self.kept.pop(host).close()
            raise

    def close(self) -> None:
        for connection in self.kept.values():
            connection.close()


class Urllib3:
    name = "urllib3"

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.pool = pintle.urllib3_pool_manager(pins, context, retries=False)

    def get(self, host: str, port: int) -> int:
        return self.pool.request("GET", f"https://{host}:{port}/").status

    def close(self) -> None:
        self.pool.clear()


class PlainUrllib3(Urllib3):
    """With nothing of ours but the context."""

    name = "urllib3 (context alone)"

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.pool = urllib3.PoolManager(ssl_context=context, retries=False)


class Requests:
    name = "requests"

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.session = pintle.requests_session(pins, context)

    def get(self, host: str, port: int) -> int:
        return self.session.get(f"https://{host}:{port}/").status_code

    def close(self) -> None:
        self.session.close()


class Httpx:
    name = "httpx"

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.client = httpx.Client(transport=pintle.httpx_transport(pins, context), timeout=20)

    def get(self, host: str, port: int) -> int:
        return self.client.get(f"https://{host}:{port}/").status_code

    def close(self) -> None:
        self.client.close()


class Asynchronous:
    """Runs a client's coroutines on a loop of its own."""

    def __init__(self, pins: pintle.Pintle, context: ssl.SSLContext) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)  # what asyncio tells of broken connections
        self.client = self.loop.run_until_complete(self.open(pins, context))

    def get(self, host: str, port: int) -> int:
        return self.loop.run_until_complete(self.request(f"https://{host}:{port}/"))

    def close(self) -> None:
        self.loop.run_until_complete(self.end())
        self.loop.close()


class HttpxAsync(Asynchronous):
    name = "httpx (async)"

    async def open(self, pins: pintle.Pintle, context: ssl.SSLContext) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=pintle.httpx_async_transport(pins, context), timeout=20)

    async def request(self, url: str) -> int:
        return (await self.client.get(url)).status_code

    async def end(self) -> None:
        await self.client.aclose()


class Aiohttp(Asynchronous):
    name = "aiohttp"

    async def open(self, pins: pintle.Pintle, context: ssl.SSLContext) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=pintle.aiohttp_connector(pins, context))

    async def request(self, url: str) -> int:
        async with self.client.get(url) as response:
            await response.read()
            return response.status

    async def end(self) -> None:
        await self.client.close()


CLIENTS = [HttpClient, Urllib3, PlainUrllib3, Requests, Httpx, HttpxAsync, Aiohttp]


def outcome(client: object, host: str, port: int) -> str:
    try:
        status = client.get(host, port)
    except Exception as error:
        refusal = pintle.find_refusal(error)
        if refusal is not None:
            return refusal.code
        causes, cause = [], error
        while cause is not None:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
            if not isinstance(cause, BaseException) or cause in causes:
                break
        # OpenSSL refuses by itself what the platform refuses: before the pins are asked.
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return "platform_rejected"
        return repr(error)
    return "ok" if status == 200 else str(status)


class ClientsInTheGauntlet(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gauntlet = Gauntlet()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.gauntlet.close()

    def test_every_case_ends_as_the_table_says_with_every_client(self) -> None:
        cases = self.gauntlet.cases()
        differences = [text for case in cases for client in CLIENTS for text in self.walk(case, client)]
        self.assertEqual([], differences)
        self.assertIsNone(self.gauntlet.hold("Python"))

    def walk(self, case: dict, make_client: type) -> list[str]:
        folder = self.gauntlet.start(case["name"])
        ends, differences = [], []

        def compare(what: object, seen: object, expected: object) -> None:
            if seen != expected:
                differences.append(f"{case['name']} with {make_client.name}: {what}: {seen}")

        with pintle.setup(folder / "pintle.json", dangerous_allow_http_loopback=True, fetch_timeout=2) as pins:
            client = make_client(pins, pins.ssl_context(cafile=str(folder / "ca.pem")))
            for step in case["steps"]:
                if step["do"] == "get":
                    before = self.gauntlet.seen()["requests"]
                    ends.append(outcome(client, step["host"], self.gauntlet.port))
                    compare(step, ends[-1], step["expect"])
                    arrived = self.gauntlet.seen()["requests"] - before
                    compare(step, f"{arrived} requests", f"{int(step['expect'] == 'ok')} requests")
                elif step["do"] == "refresh":
                    compare(step, refresh(pins), step["expect"])
                elif step["do"] == "permissive":
                    pins.set_permissive(True)
                else:
                    self.gauntlet.change(step["change"])
            client.close()
        compare("resumed", self.gauntlet.seen()["resumed"], 0)
        self.gauntlet.walked(case["name"], make_client.name, ends)
        return differences


def refresh(pins: pintle.Pintle) -> str:
    try:
        pins.refresh()
    except pintle.Error as error:
        return error.code
    return "ok"

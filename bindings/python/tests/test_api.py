"""What a developer meets before any client does."""

import asyncio
import http.client
import http.server
import inspect
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import pintle
import requests
from gauntlet import Gauntlet
from pintle import _native
from pintle._refresher import Fetcher

HERE = Path(__file__).resolve().parent


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gauntlet = Gauntlet()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.gauntlet.close()

    def setup(self, folder: Path, **options: object) -> pintle.Pintle:
        pins = pintle.setup(folder / "pintle.json", dangerous_allow_http_loopback=True, **options)
        self.addCleanup(pins.close)
        return pins

    def url(self, host: str = "localhost") -> str:
        return f"https://{host}:{self.gauntlet.port}/"

    def run_shown(self, *shown: str) -> int:
        """Runs lines as an app would; gives how many requests came of them."""
        folder = self.gauntlet.start("pinned_leaf")
        root = json.loads((folder / "pintle.json").read_text())
        root.pop("built_at", None)
        real_setup, real_context = pintle.setup, pintle.Pintle.ssl_context

        def here(*bundle: str, **options: object) -> pintle.Pintle:
            given, values = ([folder / "pintle.json"], {}) if bundle else ([], root)
            changed = {**options, **values, "storage_dir": folder, "dangerous_allow_http_loopback": True}
            return real_setup(*given, **changed)

        def trusting(pins: pintle.Pintle) -> pintle.PinnedContext:
            return real_context(pins, cafile=str(folder / "ca.pem"))

        with mock.patch("pintle.setup", here), mock.patch("pintle._pintle.setup", here):
            with mock.patch("pintle.Pintle.ssl_context", trusting):
                scope: dict = {}
                for block in shown:
                    exec(block.replace("https://api.example.com/", self.url()), scope)
        return self.gauntlet.seen()["requests"]

    def test_the_quick_start_of_the_readme_runs(self) -> None:
        readme = (HERE.parent / "README.md").read_text()
        blocks = re.findall(r"```python\n(.*?)```", readme, re.S)
        self.assertGreaterEqual(len(blocks), 5)
        self.assertGreaterEqual(self.run_shown(*blocks), 5)

    def test_the_lines_of_the_set_up_page_run(self) -> None:
        app, values = ((HERE.parents[2] / "crates/server/setup" / name).read_text() for name in ["app.py", "values.py"])
        self.assertEqual(self.run_shown(app), 1)
        self.assertEqual(self.run_shown(values, "pins.close()"), 0)

    def test_what_is_public_is_documented(self) -> None:
        missing = []
        for name in pintle.__all__:
            value = getattr(pintle, name)
            if not (inspect.isclass(value) or callable(value)):
                continue
            of_class = vars(value).items() if inspect.isclass(value) else ()
            members = [(f"{name}.{member}", each) for member, each in of_class if not member.startswith("_")]
            missing += [path for path, each in [(name, value), *members] if not inspect.getdoc(each)]
        self.assertEqual(missing, [])

    def test_four_values_are_as_good_as_a_bundle(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        root = json.loads((folder / "pintle.json").read_text())
        root.pop("built_at", None)
        with pintle.setup(**root, dangerous_allow_http_loopback=True) as pins:
            self.assertGreater(pins.generation, 0)

    def test_no_time_is_too_long_to_wait(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        with pintle.setup(folder / "pintle.json", dangerous_allow_http_loopback=True, timeout=float("inf")) as pins:
            for timeout in [1e19, 1e300, float("inf")]:
                pins.refresh(timeout)

    def test_a_wrong_root_is_named(self) -> None:
        for wrong in [dict(bundle=b"{"), dict(bundle=b"{}"), dict(organization="a"), dict(fetch_timeout=-1.0, bundle=b"{}")]:
            with self.assertRaises(pintle.Error) as caught:
                pintle.setup(**wrong)
            self.assertEqual(caught.exception.code, "setup_invalid")

    def test_without_a_network_the_first_start_says_so_and_later_ones_begin_from_what_was_kept(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        self.setup(folder, storage_dir=folder / "kept").close()
        self.gauntlet.change("cdn_dead")
        with self.assertRaises(pintle.Error) as caught:
            self.setup(folder, storage_dir=folder / "elsewhere", fetch_timeout=1.0)
        self.assertEqual(caught.exception.code, "fetch_failed")
        pins = self.setup(folder, storage_dir=folder / "kept")
        with pintle.requests_session(pins, pins.ssl_context(cafile=str(folder / "ca.pem"))) as session:
            self.assertEqual(session.get(self.url()).status_code, 200)

    def test_a_report_is_posted_and_of_its_answer_the_status_alone_is_read(self) -> None:
        seen: list[tuple] = []

        class Collector(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, self.headers["Content-Type"], body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"more than was asked for")

            def log_message(self, *_: object) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector:
            threading.Thread(target=collector.handle_request, daemon=True).start()
            url = f"http://127.0.0.1:{collector.server_port}/reports"
            fetch = mock.Mock(url=url, body=b"{}", etag=None, no_cache=False, max_bytes=0, timeout=5.0)
            native = mock.Mock()
            Fetcher(None, use_proxies=False).fetch(native, fetch)
        native.answer.assert_called_once_with(fetch, 200, None, None, b"")
        self.assertEqual([("/reports", "application/json", b"{}")], seen)

    def test_a_collector_is_a_url_that_configurations_could_come_from(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        for url in ["http://collector.example", "collector.example", ""]:
            with self.assertRaises(pintle.Error) as caught:
                self.setup(folder, report_to=url)
            self.assertEqual(caught.exception.code, "setup_invalid")

    def test_a_context_cannot_be_weakened(self) -> None:
        pins = self.setup(self.gauntlet.start("pinned_leaf"))
        context = pins.ssl_context()
        with self.assertRaises(ValueError):
            context.check_hostname = False
        with self.assertRaises(ValueError):
            context.verify_mode = ssl.CERT_NONE
        with pintle.requests_session(pins) as session:
            with self.assertRaises(ValueError):
                session.get(self.url(), verify=False)
            with self.assertRaises(requests.exceptions.InvalidSchema):
                session.get("http://localhost:1/")
        self.assertEqual(self.gauntlet.seen()["requests"], 0)

    def test_listener_and_logger_are_told_and_one_that_fails_harms_nobody(self) -> None:
        folder = self.gauntlet.start("wrong_leaf_from_trusted_ca")
        events: list[pintle.Event] = []

        def listener(event: pintle.Event) -> None:
            events.append(event)
            raise RuntimeError("a listener's own")

        with self.assertLogs("pintle", "WARNING") as logs:
            pins = self.setup(folder, listener=listener)
            context = pins.ssl_context(cafile=str(folder / "ca.pem"))
            with pintle.requests_session(pins, context) as session, self.assertRaises(requests.exceptions.SSLError) as caught:
                session.get(self.url())
        self.assertEqual(pintle.find_refusal(caught.exception).code, "pin_mismatch")
        self.assertIn(("connection", "pin_mismatch", "localhost"), [(e.kind, e.code, e.host) for e in events])
        self.assertTrue(any("pin_mismatch" in line for line in logs.output))

    def test_another_root_is_taken_up(self) -> None:
        other = (self.gauntlet.start("pinned_leaf") / "pintle.json").read_bytes()
        pins = self.setup(self.gauntlet.start("pinned_leaf"))
        generation = pins.generation
        # The other project's CDN ended with its case: nothing is in force, and everything refused.
        with self.assertRaises(pintle.Error) as caught:
            pins.reconfigure(other, timeout=15)
        self.assertEqual(caught.exception.code, "fetch_failed")
        self.assertGreater(pins.generation, generation)
        decision = pins.check("localhost", [b"\x30\x00"], platform_accepts=True)
        self.assertEqual((decision.allowed, decision.code), (False, "config_missing"))

    def test_a_certificate_is_shown_without_a_request(self) -> None:
        self.gauntlet.start("wrong_leaf_from_trusted_ca")
        chain = pintle.fetch_certificate("localhost", self.gauntlet.port)
        self.assertTrue(chain and all(der.startswith(b"\x30") for der in chain))
        self.assertEqual(self.gauntlet.seen()["requests"], 0)

    def test_several_instances_live_side_by_side_on_many_threads(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        instances = [self.setup(folder) for _ in range(3)]
        statuses: list[int] = []

        def get(pins: pintle.Pintle) -> None:
            with pintle.requests_session(pins, pins.ssl_context(cafile=str(folder / "ca.pem"))) as session:
                for _ in range(5):
                    statuses.append(session.get(self.url()).status_code)

        threads = [threading.Thread(target=get, args=(pins,)) for pins in instances * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 30)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_the_refreshing_goes_on_in_a_child(self) -> None:
        pins = self.setup(self.gauntlet.start("pinned_leaf"))
        self.gauntlet.change("release")
        child = os.fork()
        if child == 0:
            before = pins.generation
            try:
                pins.refresh(timeout=20)
                os._exit(0 if pins.generation > before else 2)
            except BaseException:
                os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_an_app_that_ends_without_closing_ends_well(self) -> None:
        # Its threads, and one of ours, are in the native half then.
        app = """
import logging, sys, threading, pintle
logging.disable()
def use(pins, is_using):
    while True:
        pins.check("localhost", [b"0"] * 20, platform_accepts=True, may_wait=False)
        is_using.set()
pins = pintle.setup(sys.argv[1], dangerous_allow_http_loopback=True, listener=lambda event: open("/dev/null").close())
for _ in range(4):
    is_using = threading.Event()
    threading.Thread(target=use, args=(pins, is_using), daemon=True).start()
    is_using.wait()
"""
        folder = self.gauntlet.start("pinned_leaf")
        command = [sys.executable, "-c", app, str(folder / "pintle.json")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        for _ in range(5):
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_a_kept_connection_is_refused_once_its_pin_has_expired(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        pins = self.setup(folder)
        connection = http.client.HTTPSConnection(
            "localhost", self.gauntlet.port, context=pins.ssl_context(cafile=str(folder / "ca.pem"))
        )
        self.addCleanup(connection.close)
        connection.request("GET", "/")
        connection.getresponse().read()
        self.gauntlet.change("expire_soon")
        pins.refresh()
        deadline = time.monotonic() + 30
        with self.assertRaises(pintle.Refused) as caught:
            while time.monotonic() < deadline:
                requests = self.gauntlet.seen()["requests"]
                connection.request("GET", "/")
                connection.getresponse().read()
        self.assertEqual(caught.exception.code, "all_pins_expired")
        self.assertEqual(self.gauntlet.seen(), {"connections": 1, "handshakes": 1, "resumed": 0, "requests": requests})

    def test_a_session_that_was_kept_is_not_resumed(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        pins = self.setup(folder)
        context = pins.ssl_context(cafile=str(folder / "ca.pem"))
        session = None
        for _ in range(2):
            with socket.create_connection(("localhost", self.gauntlet.port)) as plain:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    connection.recv(1)
                    session = connection.session
                    self.assertFalse(connection.session_reused)
        self.assertIsNotNone(session)
        self.assertEqual(self.gauntlet.seen()["resumed"], 0)

    def test_after_close_nothing_is_decided(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")
        pins = self.setup(folder)
        context = pins.ssl_context(cafile=str(folder / "ca.pem"))
        pins.close()
        with self.assertRaises(ValueError):
            pins.check("localhost", [], platform_accepts=True)
        with pintle_client(context) as client, self.assertRaises(Exception):
            client.request("GET", self.url())
        self.assertEqual(self.gauntlet.seen()["requests"], 0)

    def test_setup_does_not_block_the_event_loop(self) -> None:
        folder = self.gauntlet.start("pinned_leaf")

        async def main() -> int:
            pins = await pintle.setup_async(folder / "pintle.json", dangerous_allow_http_loopback=True)
            pins.close()
            return pins._native.generation()

        self.assertGreater(asyncio.run(main()), 0)

    def test_the_stubs_name_what_there_is(self) -> None:
        stubs = (HERE.parent / "pintle" / "_native.pyi").read_text()
        for name in ("Native", "Fetch", "Decision"):
            declared = set(re.findall(r"def (\w+)\(", re.search(rf"class {name}:\n(.*?)(?=\nclass |\Z)", stubs, re.S)[1]))
            there = {member for member in dir(getattr(_native, name)) if not member.startswith("_")}
            self.assertEqual(declared - {"__init__"}, there, name)
        self.assertTrue((Path(sys.modules["pintle"].__file__).parent / "py.typed").exists())


def pintle_client(context: ssl.SSLContext):
    import urllib3

    return urllib3.PoolManager(ssl_context=context, retries=False)

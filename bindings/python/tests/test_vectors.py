"""Runs `vectors/` through this package, as `vectors/README.md` asks.

Time, chance and what is kept on disk are the runner's, by the door that ships in no wheel; everything else goes the way an app
goes: set-up, fetches and their answers, checks, the listener.
"""

import base64
import functools
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import pintle
from pintle import _native

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[2] / "vectors"
ACCEPTED_AT = 1_800_000_000
# Thousands of stores are written and synced: not to a disk, where there is something else.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SKIPPED = {skip["of"]: skip["reason"] for skip in json.loads((HERE / "skipped.json").read_text())}


class Installation:
    """The native half with a clock of ours."""

    def __init__(
        self, bundle: bytes, *, now=ACCEPTED_AT, monotonic_ms=1, seed=None, permissive=False, storage=None, random=1,
        fetch_timeout=10.0, report_to=None, http_loopback=False,
    ) -> None:  # fmt: skip
        self.told: list[tuple[str, str | None]] = []
        self.native = _native.dangerous_test_open(
            bundle, seed, permissive, fetch_timeout, storage, report_to, http_loopback,
            lambda kind, code, *_: self.told.append((kind, code)), lambda: None, random, now, monotonic_ms,
        )  # fmt: skip

    def set_clock(self, now: int, monotonic_ms: int) -> None:
        _native.dangerous_test_set_clock(self.native, now, monotonic_ms)

    def poll(self) -> tuple[list[Any], float]:
        fetches = []
        while not isinstance(action := self.native.poll(), float):
            fetches.append(action)
        return fetches, action

    def check(self, host: str, presented: list[bytes], path=None, accepted=False, ocsp=None, scts=None) -> dict:
        decision = self.native.check(host, presented, path, accepted, False, ocsp, scts)
        assert decision.generation == self.native.generation(), "a decision carries the generation"
        answer = {"verdict": decision.verdict, "ct_list_stale": decision.ct_list_stale}
        if decision.verdict != "not_covered":
            answer["entry"] = decision.entry
        if decision.verdict == "pinned":
            answer |= {"pin": decision.pin, "position": decision.position}
        elif decision.code is not None:
            answer["code"] = decision.code
        return answer

    def check_finally(self, *evidence: Any, **more: Any) -> dict:
        answer = self.check(*evidence, **more)
        if answer.get("code") != "retry_after_refresh":
            return answer
        # The forced refresh brings no news, so that the refusal is final.
        for fetch in self.poll()[0]:
            assert self.native.fail(fetch, "nothing") == "fetch_failed"
        return self.check(*evidence, **more)


def to_bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def find_store(storage: Path, bundle: bytes) -> Path:
    """A first start shows it, as it draws its draw."""
    Installation(bundle, storage=storage)
    (store,) = storage.iterdir()
    return store


@functools.cache
def store_name(bundle: bytes) -> str:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        return find_store(Path(folder), bundle).name


def persisted(store: Path) -> dict:
    path = store / "state.json"
    if not path.exists():
        return {"state": None, "gone": False, "draw": None}
    memory = json.loads(path.read_text())
    state = None
    if memory["floor"] is not None:
        digest = base64.b64encode(bytes.fromhex(memory["floor"]["claims_digest"])).decode()
        state = {name: memory[name] for name in ("chain", "time_floor", "withdrawn")}
        state["floor"] = {**memory["floor"], "claims_digest": digest}
    return {"state": state, "gone": memory["gone"], "draw": memory["draw"]}


def persist(store: Path, state: dict | None, draw: int | None = None, withdrawn: bool = False) -> None:
    floor = None
    if state is not None:
        floor = {**state["floor"], "claims_digest": to_bytes(state["floor"]["claims_digest"]).hex()}
    memory = {"format": 1, "floor": floor, "chain": [], "time_floor": 0, "withdrawn": withdrawn, "gone": False}
    memory |= {"draw": draw, "etags": {}}
    memory |= {name: state[name] for name in ("chain", "time_floor", "withdrawn")} if state is not None else {}
    (store / "state.json").write_text(json.dumps(memory))


def file_bytes(file: Any) -> bytes:
    if isinstance(file, str):
        return file.encode()
    if "base64" in file:
        return to_bytes(file["base64"])
    return b"".join(
        piece.encode() if isinstance(piece, str) else (piece["repeat"] * piece["times"]).encode()
        for piece in file["concat"]
    )


def any_certificate() -> bytes:
    shared = json.loads((VECTORS / "decide" / "pins.json").read_text())["shared"]
    return to_bytes(next(iter(shared["certificates"].values())))


class Vectors(unittest.TestCase):
    def test_every_case_is_answered_as_it_says(self) -> None:
        ran, wrong = 0, []
        for path in sorted(VECTORS.glob("*/*.json")):
            suite = json.loads(path.read_text())
            name = f"{path.parent.name}/{path.stem}"
            if suite["kind"] in SKIPPED or name in SKIPPED:
                continue
            for case in suite["cases"]:
                self.assertLessEqual(case["level"], pintle.PROTOCOL_LEVEL)
                full = f"{name}/{case['name']}"
                problem = self.problem_of(suite, case)
                if full in SKIPPED:
                    wrong += [] if problem else [f"{full} passes, but is skipped"]
                elif problem:
                    wrong.append(f"{full}: {problem}")
                ran += full not in SKIPPED
        self.assertEqual([], wrong)
        self.assertGreater(ran, 1300)

    def problem_of(self, suite: dict, case: dict) -> str | None:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            try:
                if suite["kind"] == "scenario":
                    return Scenario(suite["shared"], Path(folder)).problem_of(case)
                answer = getattr(self, f"ask_{suite['kind']}")(case, suite["shared"], Path(folder))
            except (AttributeError, AssertionError, IndexError, UnicodeError, TypeError) as error:
                return repr(error)
        return None if answer == case["expect"] else f"expected {case['expect']}, got {answer}"

    def ask_verify(self, case: dict, shared: dict, folder: Path) -> dict:
        given = case["input"]
        bundle = json.dumps(shared["bundles"][given["root"]]).encode()
        store = find_store(folder, bundle)
        persist(store, given["state"])
        installation = Installation(bundle, now=given["now"], storage=folder)
        installation.told.clear()
        fetches, _ = installation.poll()
        judged = installation.native.answer(fetches[0], 200, None, None, file_bytes(given["file"]))
        if judged not in ("updated", "unchanged"):
            return {"code": judged}
        stale = any(kind == "config_stale" for kind, _ in installation.told)
        return {"state": persisted(store)["state"], "stale": stale}

    def ask_decide(self, case: dict, shared: dict, folder: Path) -> dict:
        given = case["input"]
        presented = [to_bytes(shared["certificates"][name]) for name in given["presented"]]
        path = given["path"] and [to_bytes(shared["certificates"][name]) for name in given["path"]]
        return self.decide_under(
            given, shared, folder, given["host"], presented, path=path, accepted=given["platform"] == "accepted",
            ocsp=to_bytes(given["ocsp"]), scts=to_bytes(given["sct_tls"]),
        )  # fmt: skip

    def ask_match(self, case: dict, shared: dict, folder: Path) -> dict:
        given = case["input"]
        # Whether a name has an entry shows with any certificate.
        answer = self.decide_under(given, shared, folder, given["host"], [any_certificate()], accepted=True)
        return {"entry": answer["entry"]}

    def decide_under(self, given: dict, shared: dict, folder: Path, *evidence: Any, **more: Any) -> dict:
        bundle = json.dumps(shared["bundles"]["plain"]).encode()
        withdrawn, draw = isinstance(given["file"], dict), given.get("draw")
        keeps = withdrawn or draw is not None
        if keeps:
            persist(find_store(folder, bundle), None, draw, withdrawn)
        installation = Installation(
            bundle, permissive=given.get("mode") == "permissive", storage=folder if keeps else None
        )
        if isinstance(given["file"], str):
            fetches, _ = installation.poll()
            body = shared["files"][given["file"]].encode()
            self.assertEqual("updated", installation.native.answer(fetches[0], 200, None, None, body))
        installation.set_clock(given.get("t", ACCEPTED_AT), 2)
        return installation.check_finally(*evidence, **more)

    def ask_setup(self, case: dict, _: dict, folder: Path) -> dict:
        bundle, http_loopback = case["input"]["bundle"].encode(), case["input"]["http_loopback"]
        try:
            installation = Installation(bundle, storage=folder, http_loopback=http_loopback)
        except pintle.Error as error:
            return {"code": error.code}
        root = case["expect"]["root"]
        self.assertIn(installation.poll()[0][0].url, root["pointer_urls"])
        self.assertTrue((folder / to_bytes(root["store_key"]).hex()).exists())
        return case["expect"]

    def ask_host(self, case: dict, _: dict, __: Path) -> dict:
        setup = json.loads((VECTORS / "setup" / "bundles.json").read_text())
        installation = Installation(setup["cases"][0]["input"]["bundle"].encode())
        # Before there is a configuration, a check tells hosts from what is none.
        code = installation.check(case["input"]["text"], [])["code"]
        self.assertEqual("host_invalid" if case["expect"]["host"] is None else "config_missing", code)
        return case["expect"]

    def ask_codes(self, *_: Any) -> dict:
        return {"codes": pintle.CODES}


class Scenario:
    """An installation that lives through steps."""

    def __init__(self, shared: dict, folder: Path) -> None:
        self.shared, self.folder = shared, folder
        self.installation: Installation | None = None
        self.root = ""
        self.fetches: list[Any] = []
        self.generation: int | None = None

    @property
    def dir(self) -> Path:
        return self.folder / "state"

    @property
    def store(self) -> Path:
        return self.dir / store_name(self.bundle(self.root))


    def bundle(self, name: str) -> bytes:
        return json.dumps(self.shared["bundles"][name]).encode()

    def body(self, name: str | None) -> bytes | None:
        return None if name is None else self.shared["bodies"][name].encode()

    def problem_of(self, case: dict) -> str | None:
        for number, step in enumerate(case["input"]["steps"]):
            if problem := self.take(step):
                return f"step {number}, {step['do']}: {problem}"
        kept = persisted(self.store)
        return None if kept == case["expect"] else f"persisted: {kept}"

    def take(self, step: dict) -> str | None:
        if self.installation is not None:
            self.installation.set_clock(step["now"], step["monotonic_ms"])
        seen = getattr(self, f"do_{step['do']}")(step) or {}
        earlier, self.fetches = self.fetches, self.fetches + seen.get("fetches", [])
        told = [code for kind, code in self.installation.told if kind not in ("connection", "refresh_forced") and code]
        self.installation.told.clear()
        now, before = self.installation.native.generation(), self.generation
        moved = None if before is None else "raised" if now > before else "kept"
        self.generation = now
        expect = step["expect"]
        if "events" in expect and sorted(expect["events"]) != sorted(told):
            return f"events {told}"
        if "generation" in expect and expect["generation"] != moved:
            return f"generation {moved}"
        for what in ("decision", "judged"):
            if expect.get(what) != seen.get(what):
                return f"{what} {seen.get(what)}"
        return self.problem_of_poll(expect, seen, earlier, step["monotonic_ms"])

    def problem_of_poll(self, expect: dict, seen: dict, earlier: list[Any], monotonic_ms: int) -> str | None:
        fetches = seen.get("fetches", [])
        if expected := expect.get("fetch"):
            asked = [earlier[number].url for number in expected["unlike"]]
            shortest, longest = expected["timeout_ms"]
            for fetch in fetches:
                fits = fetch.url not in asked and expected["urls"].get(fetch.url, "no such URL") == fetch.etag
                body = None if fetch.body is None else json.loads(fetch.body)
                fits = fits and body == expected.get("bodies", {}).get(fetch.url)
                fits = fits and fetch.no_cache == expected["no_cache"]
                if not fits or not shortest <= round(fetch.timeout * 1000) <= longest:
                    return f"fetch {fetch.url} {fetch.etag} {fetch.no_cache} {fetch.timeout}"
                asked.append(fetch.url)
            return None if len(fetches) == expected["count"] else f"{len(fetches)} fetches"
        if fetches:
            return f"fetches {[fetch.url for fetch in fetches]}"
        wait = seen.get("wait")
        if "idle_until_ms" in expect:
            first, last = expect["idle_until_ms"]
            if wait is None or not first <= round(wait * 1000) + monotonic_ms <= last:
                return f"idle for {wait}"
        if (expect.get("waiting", False) or "idle_until_ms" in expect) != (wait is not None):
            return f"idle for {wait}"
        return None

    def do_start(self, step: dict) -> None:
        self.root, self.generation = step["root"], None
        self.installation = Installation(
            self.bundle(self.root), now=step["now"], monotonic_ms=step["monotonic_ms"], seed=self.body(step["seed"]),
            permissive=step["mode"] == "permissive", storage=self.dir if step["store"] else None,
            random=int(step["random"], 16), fetch_timeout=step["fetch_timeout_ms"] / 1000,
            report_to=step.get("report_to"),
        )  # fmt: skip

    def do_reconfigure(self, step: dict) -> None:
        self.root = step["root"]
        self.installation.native.reconfigure(self.bundle(self.root))

    def do_set_mode(self, step: dict) -> None:
        self.installation.native.set_permissive(step["mode"] == "permissive")

    def do_poll(self, _: dict) -> dict:
        fetches, wait = self.installation.poll()
        return {"fetches": fetches, "wait": wait}

    def do_answer(self, step: dict) -> dict:
        fetch, answer = self.fetches[step["to"]], step["with"]
        if "failed" in answer:
            judged = self.installation.native.fail(fetch, answer["failed"])
        else:
            by_url = answer.get("etag_by_url", {}).items()
            etag = answer.get("etag") or next((etag for url, etag in by_url if fetch.url.startswith(url)), None)
            retry_after = answer.get("retry_after")
            body = self.body(answer.get("body")) or b""
            retry_after = None if retry_after is None else str(retry_after)
            judged = self.installation.native.answer(fetch, answer["status"], etag, retry_after, body)
        return {"judged": judged if judged in ("updated", "unchanged", "too_late") else "rejected"}

    def do_check(self, step: dict) -> dict:
        certificate = to_bytes(self.shared["certificates"][step["certificate"]])
        answer = self.installation.check(step["host"], [certificate], accepted=step["platform"] == "accepted")
        return {"decision": answer["code"] if answer["verdict"] == "refused" else answer["verdict"]}

    def do_wait(self, _: dict) -> None:
        pass

    def do_damage(self, step: dict) -> None:
        (self.store / ("pins.jws" if step["part"] == "file" else "state.json")).write_text("damaged")

    def do_replace_file(self, step: dict) -> None:
        (self.store / "pins.jws").write_bytes(self.body(step["body"]))

    def do_break_store(self, _: dict) -> None:
        self.dir.rename(self.folder / "away")
        self.dir.write_text("")

    def do_mend_store(self, _: dict) -> None:
        self.dir.unlink()
        (self.folder / "away").rename(self.dir)

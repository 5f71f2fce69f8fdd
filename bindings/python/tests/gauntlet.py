"""Talks to `crates/testkit/examples/gauntlet.rs`."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class Gauntlet:
    """One process that serves one case at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [os.environ["PINTLE_GAUNTLET"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._folders: list[tempfile.TemporaryDirectory] = []
        self.port = 0

    def _ask(self, line: str) -> Any:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def cases(self) -> list[dict]:
        return self._ask("cases")

    def start(self, name: str) -> Path:
        """The folder with `pintle.json` and `ca.pem`."""
        self._folders.append(tempfile.TemporaryDirectory())
        folder = self._folders[-1].name
        self.port = self._ask(f"start {name} {folder}")["port"]
        return Path(folder)

    def change(self, change: str) -> None:
        self._ask(f"change {change}")

    def seen(self) -> dict:
        return self._ask("seen")

    def walked(self, case: str, client: str, ends: list[str]) -> None:
        self._ask("walked " + json.dumps({"case": case, "client": client, "ends": ends}))

    def hold(self, sdk: str) -> str | None:
        """What is wrong with the rows of `docs/sdk/conformance.md`."""
        page = Path(__file__).resolve().parents[3] / "docs" / "sdk" / "conformance.md"
        return self._ask(f"hold {sdk} {page}")["error"]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        for folder in self._folders:
            folder.cleanup()

"""Builds the wheel, installs it beside nothing else, and runs the tests: `python bindings/python/tests`.

Needs maturin and the HTTP clients (`cargo xtask setup`). With UPDATE_DOCS set, writes the rows of docs/sdk/conformance.md.
"""

import glob
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WHEELS, SITE = TARGET / "python" / "wheels", TARGET / "python" / "site"


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    shutil.rmtree(TARGET / "python", ignore_errors=True)
    run("cargo", "build", "--quiet", "--locked", "--package", "pintle-testkit", "--example", "gauntlet")
    manifest = str(HERE.parent / "Cargo.toml")
    # A debug build with the door for vectors: what ships has neither.
    build = ["--profile", "dev", "--features", "dangerous-test", "--auditwheel", "skip", "--interpreter", sys.executable]
    run(sys.executable, "-m", "maturin", "build", "--quiet", "--locked", "-m", manifest, "--out", str(WHEELS), *build)
    (wheel,) = glob.glob(str(WHEELS / "*.whl"))
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run(sys.executable, *pip, "--target", str(SITE), wheel)
    sys.path[:0] = [str(SITE), str(HERE)]
    os.environ["PINTLE_GAUNTLET"] = str(TARGET / "debug" / "examples" / "gauntlet")
    os.environ["no_proxy"] = "*"
    chosen = sys.argv[1:]
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(chosen) if chosen else loader.discover(str(HERE))
    result = unittest.TextTestRunner().run(tests)
    for test, reason in result.skipped:
        print(f"SKIPPED: {test}: {reason}", file=sys.stderr)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()

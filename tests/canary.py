"""Runs the suite with canary keys and searches everything it left for them: ``python -m tests.canary``.

What is searched: every file under the tests' temporary folder (stores, notebooks, pages, logs), every new file of
the work tree, and all that the run printed. Exit 1 when a key is found in any form, or when a test fails; both are named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services.canary import canary, found_below, found_in

NAMES = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "NBFLOW_CANARY_TOKEN"]
ROOT = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    secrets = [canary(name) for name in NAMES]
    keys = dict(zip(NAMES, secrets, strict=True))
    nowhere = "http://127.0.0.1:9"  # whoever asks a provider with such a key reaches nobody
    environment = {**os.environ, **keys, "OPENAI_BASE_URL": f"{nowhere}/v1", "ANTHROPIC_BASE_URL": nowhere}
    before = _new_files()
    with tempfile.TemporaryDirectory(prefix="nbflow-canary-") as folder:
        command = [
            sys.executable,
            "-m",
            "pytest",
            f"--basetemp={folder}/tests",
            "-p",
            "no:cacheprovider",
            "-rfE",
            *arguments,
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        hits = [f"printed: {seen}" for seen in found_in(done.stdout + done.stderr, secrets)]
        hits += found_below(Path(folder), secrets)
    for path in sorted(_new_files() - before):
        hits += [f"{path.relative_to(ROOT)}: {seen}" for seen in found_in(path.read_bytes(), secrets)]
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    failing = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    print(*failing, *lines[-1:], f"{len(hits)} files or outputs hold a key", *hits, sep="\n")
    return 1 if hits or done.returncode else 0


def _new_files() -> set[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Keys that must appear nowhere, and the search for them in everything a run has left behind."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

SALT = "7f3a91c2d4"


def canary(name: str) -> str:
    return f"sk-CANARY-{name}/{SALT}+{name.lower()}"


def forms(secret: str) -> list[bytes]:
    """Every form in which it might stand in a file, found without the redactor's own code."""
    raw = [secret, quote(secret), quote(secret, safe=""), secret.replace("/", "\\/")]
    cores = [base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4] for shift in range(3)]
    return [text.encode() for text in (*raw, *cores, *(core.translate(str.maketrans("+/", "-_")) for core in cores))]


def found_in(content: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if any(form in content for form in forms(secret))]


def found_below(folder: Path, secrets: list[str]) -> list[str]:
    """Files of a folder that hold one of the secrets, and which."""
    return [
        f"{path.relative_to(folder)}: {seen}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (seen := found_in(path.read_bytes(), secrets))
    ]

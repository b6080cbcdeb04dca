"""What looks like a key or token must never be repeated, whoever quotes the text it stands in."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"""
    \bsk-[A-Za-z0-9_-]{16,}                               # OpenAI, Anthropic and those who copy them
  | \b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
  | \bglpat-[A-Za-z0-9_-]{16,}
  | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                      # Slack
  | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                         # AWS
  | \bAIza[A-Za-z0-9_-]{30,}                              # Google
  | \bhf_[A-Za-z0-9]{24,} | \bgsk_[A-Za-z0-9]{24,} | \bnpm_[A-Za-z0-9]{24,} | \bpypi-[A-Za-z0-9_-]{24,}
  | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}         # Stripe
  | \bwhsec_[A-Za-z0-9+/=]{16,}
  | \beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}      # a signed token
  | (?<=://)[^\s/:@{}$]+:[^\s/@{}$]{3,}(?=@)              # user and password in a URL
  | (?<=Bearer[ ])[A-Za-z0-9._~+/-]{20,}
  | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----
    """,
    re.VERBOSE,
)
_HINTS = ("sk", "gh", "glpat", "xox", "AKIA", "ASIA", "AIza", "hf_", "npm_", "pypi", "_live_", "_test_", "whsec", "eyJ",
          "://", "Bearer", "PRIVATE KEY")  # fmt: skip


def find_secret(text: str) -> tuple[int, int] | None:
    """Start and end of the first thing in `text` that looks like a key, a token or a password."""
    found = _SECRET.search(text)
    return found.span() if found else None


def conceal(text: str) -> str:
    """`text` with every such thing replaced by dots of the same length, so that columns stay right."""
    if not any(hint in text for hint in _HINTS):
        return text
    return _SECRET.sub(lambda found: "•" * len(found.group()), text)

"""``python -m tests.scxml FILE...``: a line ``pass``, ``fail`` or ``unsupported: why`` for each document."""

from __future__ import annotations

import sys

from tests.scxml.verdicts import main

raise SystemExit(main(sys.argv[1:]))

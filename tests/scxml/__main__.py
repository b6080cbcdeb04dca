"""``python -m tests.scxml FILE...``: a line ``pass``, ``fail`` or ``unsupported: why`` for each document."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scxml.verdicts import main

raise SystemExit(main(sys.argv[1:]))

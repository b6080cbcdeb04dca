"""What a node may give: see `nbflow.ports.plain`, where kinds and integrations find it too."""

from __future__ import annotations

from nbflow.ports.plain import OPAQUE, plain

__all__ = ["OPAQUE", "plain"]

"""A mapping of secrets that tells nobody what there is still reaches the tools that need one."""

from __future__ import annotations

from nbflow.integrations.secrets import Secrets
from nbflow.integrations.tools.database.tools import Databases
from nbflow.integrations.tools.mcp.tools import McpFamily


def test_secrets_are_kept_although_they_count_as_none() -> None:
    secrets = Secrets([lambda name: "value" if name == "SHOP_TOKEN" else None])
    assert len(secrets) == 0
    assert McpFamily({}, secrets)._secrets is secrets
    assert Databases({}, secrets)._secrets is secrets

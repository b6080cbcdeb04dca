"""What a person may set: ``NBFLOW_*`` in the environment, then ``[tool.nbflow]`` of the folder's pyproject.toml.

The environment wins. Nothing here is read at import; `assembly` asks once. pydantic-settings is loaded then.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
)

from nbflow.errors import NbflowError
from nbflow.spec.durations import parse_duration, parse_rate
from nbflow.spec.schema.typed import said
from nbflow.spec.sizes import parse_size

DEFAULT_STORE = "duckdb:///.nbflow/history.duckdb"

Names = Annotated[tuple[str, ...], NoDecode]  # `A,B` in the environment, a list in pyproject.toml
Amounts = Annotated[dict[str, int], NoDecode]  # `gpu=1,disk=4`, or JSON
Rates = Annotated[dict[str, float], NoDecode]  # `openai=60/min,mail=5/s`; kept as starts per second
Texts = Annotated[dict[str, str], NoDecode]  # `a=b,c=d`, or JSON
Seconds = Annotated[float | None, NoDecode]  # `20s`, `1h30m`
Bytes = Annotated[int | None, NoDecode]  # `500MB`, `2GB`


class SettingsError(NbflowError):
    """A setting that cannot be read; the message names it."""

    code = "settings.invalid"


class Settings(BaseSettings):
    """All settings with their defaults.

    >>> Settings(pools="gpu=1,disk=4").pools
    {'gpu': 1, 'disk': 4}
    """

    model_config = SettingsConfigDict(
        env_prefix="NBFLOW_", pyproject_toml_table_header=("tool", "nbflow"), extra="forbid", frozen=True
    )

    store: str = Field(DEFAULT_STORE, description="where executions are kept: duckdb:///path or memory:")
    pools: Amounts = Field(default_factory=dict, description="capacities by name")
    rates: Rates = Field(default_factory=dict, description="starts per second by name, written 60/min")
    user: str | None = Field(None, description="who starts executions: their label `by`; none: the account's name")
    keep: Seconds = Field(None, description="how long executions stay after they ended, as 30d; none: for ever")
    keep_size: Bytes = Field(None, description="the most a store may have, as 2GB; then the oldest ended executions go")
    env_allow: Names = Field((), description="names of the environment that `env.NAME` may read")
    tools: Names = Field((), description="files or modules whose functions are tools")
    agent_model: str | None = Field(None, description="model of agents that name none, as provider/model")
    providers: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="servers of models by name: base_url, key, api (chat, responses or messages)"
    )
    aliases: Texts = Field(default_factory=dict, description="short names of models: fast=openai/gpt-5-mini")
    agent_timeout: Seconds = Field(None, description="the most an agent takes where its node sets nothing")
    record: str | None = Field(None, description="a file that keeps the replies of models and tools")
    replay: str | None = Field(None, description="a file that replies of models and tools come from")
    concurrency: int | None = Field(None, ge=1, description="attempts in flight at once; none: no limit")
    threads: int = Field(32, ge=1, description="threads for plain functions")
    unbounded_loops: bool = Field(False, description="allow `loop` without `max`")
    http_private: bool = Field(False, description="let http tools reach private addresses")
    http_allow: Names = Field((), description="hosts with private addresses that http tools may reach")
    databases: dict[str, str] = Field(
        default_factory=dict, description="databases by name: duckdb:///…, sqlite:///…, postgresql://…; {NAME}: secret"
    )
    smtp: str | None = Field(None, description="the mail server: smtp://user:{SECRET}@host:587 or smtps://…")
    mail_from: str | None = Field(None, description="sender of mails that name none")
    mail_to: Names = Field((), description="the only recipients of mails, when any are given: addresses, or @domain")
    mcp: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="MCP servers by name: {command: [...], env, cwd} or {url, headers}"
    )
    max_text: int = Field(1_000_000, ge=1, description="bytes of a workflow's text")
    max_depth: int = Field(100, ge=1, description="depth of a workflow's text")
    max_nodes: int = Field(10_000, ge=1, description="nodes of a workflow")
    max_aliases: int = Field(1_000, ge=0, description="nodes that aliases of a text may expand to")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        pyproject = PyprojectTomlConfigSettingsSource(settings_cls, Path("pyproject.toml"))
        return init_settings, env_settings, pyproject

    @field_validator("env_allow", "tools", "http_allow", "mail_to", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("pools", "aliases", mode="before")
    @classmethod
    def _amounts(cls, value: Any) -> Any:
        return _pairs(value) if isinstance(value, str) else value

    @field_validator("keep_size", mode="before")
    @classmethod
    def _bytes(cls, value: Any) -> Any:
        return parse_size(value) if isinstance(value, str) else value

    @field_validator("agent_timeout", "keep", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        return parse_duration(value) if isinstance(value, str) else value

    @field_validator("rates", mode="before")
    @classmethod
    def _per_second(cls, value: Any) -> Any:
        pairs = _pairs(value) if isinstance(value, str) else value
        if not isinstance(pairs, dict):
            return pairs
        return {name: parse_rate(rate) if isinstance(rate, str) else rate for name, rate in pairs.items()}


def _pairs(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return json.loads(text)
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not sign or not name.strip() for name, sign, _ in pairs):
        raise ValueError("write name=amount, more of them with commas between")
    return {name.strip(): amount.strip() for name, _, amount in pairs}


@functools.cache
def settings() -> Settings:
    """What holds in this process, read once; raises `SettingsError` for what cannot be read."""
    try:
        return Settings()
    except ValueError as problem:
        raise SettingsError(_explain(problem)) from None


def _explain(problem: ValueError) -> str:
    errors = getattr(problem, "errors", None)
    if errors is None:
        return str(problem)
    return "\n".join(
        f"NBFLOW_{'_'.join(str(part) for part in error['loc']).upper()} {said(error)}" for error in errors()
    )

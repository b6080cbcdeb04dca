"""Where adapters are chosen: tools, agents, kinds, the engine of a loop; stores by their address are in `stores`."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from nbflow.analytics.frames import calls, connection, events, executions, nodes, sql  # noqa: F401 - of this process
from nbflow.errors import Diagnostic, IllegalMove, NodeError
from nbflow.history import forking
from nbflow.history.past import Past
from nbflow.integrations.agents.answering import Answering
from nbflow.integrations.agents.plugins import add_runtimes
from nbflow.integrations.agents.prices import price
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.bus.memory import MemoryBus
from nbflow.integrations.cassettes import Cassettes, TapedAgents, TapedTools
from nbflow.integrations.redaction import LOOKS_SECRET
from nbflow.integrations.secrets import Secrets, usual_sources
from nbflow.integrations.tools.built_in import add_built_in
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.nodes.plugins import Plugins
from nbflow.nodes.registry import built_in
from nbflow.nodes.tool import ToolExecutor
from nbflow.plan import workflow as workflows
from nbflow.plan.plan import Plan
from nbflow.plan.workflow import Workflow
from nbflow.ports.catalog import Version
from nbflow.ports.clock import SystemClock
from nbflow.ports.tools import Tool
from nbflow.runtime import readiness
from nbflow.runtime.children import ChildExecutor
from nbflow.runtime.engine import Engine, unknown
from nbflow.runtime.execution import Execution
from nbflow.settings import settings
from nbflow.spec.document import Limits
from nbflow.spec.kinds import KindSpec
from nbflow.stores import in_use, keep_small, open_catalog, open_journal, store_url, whoami

LOG = logging.getLogger(__name__)

tools = ToolRegistry()
agents = AgentRegistry()
secrets = Secrets(usual_sources())
tools.never(secrets.is_source)
cassettes = Cassettes(secrets.redactor.clean, SystemClock())
secrets.fall_back_on(cassettes.secret)
add_built_in(tools, secrets, SystemClock(), settings)
plugins = Plugins()
models = Answering(agents, secrets, settings)
bus = MemoryBus()
kinds = plugins.specs
tool = tools.tool
agent = agents.agent
kind = plugins.kind
LACKS = "define what is missing, then recover again"
home: str | None = None  # the store of forks and reruns of executions of other stores; None is the default store
_all_names = False
_known: dict[str, Workflow] = {}  # workflows of this process by name, for `workflow: NAME`
_engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Engine]] = weakref.WeakKeyDictionary()


@functools.cache
def _load_plugins() -> None:
    """Kinds that installed packages offer, once; a text can name them but not bring them."""
    entries = {entry.name: entry for entry in entry_points(group="nbflow.nodes")}
    for problem in plugins.load({name: entry.load for name, entry in entries.items()}):
        LOG.warning("%s; it is set aside", problem)
    add_runtimes(agents, secrets, {entry.name: entry.load for entry in entry_points(group="nbflow.agents")})


def installed() -> Mapping[str, KindSpec]:
    """The kinds of the language as installed: built-in ones, registered ones, and those of plug-ins."""
    _load_plugins()
    return kinds


# --- workflows -------------------------------------------------------------------------------------------


def limits() -> Limits:
    """The limits of a text, as set."""
    chosen = settings()
    return Limits(chosen.max_text, chosen.max_depth, chosen.max_aliases, chosen.max_nodes)


def parse(
    text: str | bytes, *, name: str | None = None, folder: str | Path | None = None, tools_known: bool = True
) -> Workflow:
    """The workflow of a text. Raises `SpecError` with every finding when it has errors.

    `tools_known` says that the tools and agents of this process are all there are: an unknown one is an error.
    """
    found = _parse(text, name, tools_known)
    _known[found.name] = found
    return found


def parse_kept(kept: Version, *, tools_known: bool = True) -> Workflow:
    """A version of the catalog. It has the name that its text says, whatever the catalog calls it now."""
    found = _parse(kept.text, None, tools_known)
    return found if found.spec.name is not None else _parse(kept.text, kept.name, tools_known)


def _parse(text: str | bytes, name: str | None, tools_known: bool) -> Workflow:
    _load_plugins()
    return workflows.parse(
        text,
        name=name,
        kinds=kinds,
        tools=tools.schemas() if tools_known else None,
        limits=limits(),
        unbounded=settings().unbounded_loops,
        models=models.known(complete=tools_known),
    )


def diagnose(
    text: str | bytes, *, name: str | None = None, folder: str | Path | None = None, tools_known: bool = True
) -> tuple[Diagnostic, ...]:
    """Every finding of a text; it never raises."""
    _load_plugins()
    return workflows.diagnose(
        text,
        name=name,
        kinds=kinds,
        tools=tools.schemas() if tools_known else None,
        limits=limits(),
        unbounded=settings().unbounded_loops,
        models=models.known(complete=tools_known),
    )


async def library(store: str, name: str, version: str | None, folder: str | None) -> Plan:
    """A workflow by name: ``NAME.yaml`` beside the parent's file, one of this process, or the catalog's."""
    if folder is not None and version is None:
        for suffix in (".yaml", ".yml", ".json"):
            path = Path(folder) / f"{name}{suffix}"
            if path.is_file():
                return parse(path.read_bytes(), folder=folder).plan
    known = _known.get(name)
    if known is not None and version in (None, known.version):
        return known.plan
    catalog = open_catalog(store)
    try:
        kept = await catalog.load(name, version)
    finally:
        await catalog.close()
    return parse_kept(kept).plan


def register_tool(function: Callable[..., Any]) -> None:
    """Register a function under its own name; what `@tool` declared stays."""
    tools.register_all({function.__name__: function})


async def look_up_tool(name: str) -> Tool:
    """One tool with all that is known of it; a server that has it is asked. Raises `NodeError`."""
    try:
        return await tools.look_up(name)
    except NodeError as problem:
        raise _cleaned(problem) from None


async def look_up_tools() -> tuple[list[Tool], list[NodeError]]:
    """Every tool, those of MCP servers too, which are started for it; and why some servers could not be asked."""
    found, failures = await tools.look_up_all()
    return found, list(map(_cleaned, failures))


def _cleaned(problem: NodeError) -> NodeError:
    """A failure that shows no secret."""
    return NodeError(problem.kind, secrets.redactor.clean(str(problem)), code=problem.code, hint=problem.hint)


# --- cassettes -------------------------------------------------------------------------------------------


def tape(*, record: str | Path | None = None, replay: str | Path | None = None) -> None:
    """Keep the replies of models and tools in a file, or take them from one; neither: call the real ones again.

    Raises `CassetteError` for a file that is none.
    """
    if record is not None and replay is not None:
        raise IllegalMove("a cassette is recorded or played back, not both")
    if record is not None:
        cassettes.record(record)
    elif replay is not None:
        cassettes.replay(replay)
    else:
        cassettes.stop()


# --- the engine ------------------------------------------------------------------------------------------


def engine(store: str | None = None) -> Engine:
    """The engine of the running loop and a store: one each. Raises `IllegalMove` outside a running loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise IllegalMove("no event loop is running here; nbflow.run(…) brings its own") from None
    url = store_url(store)
    engines = _engines.setdefault(loop, {})
    found = engines.get(url)
    if found is None or found.closed:
        found = engines[url] = _make_engine(url)
        journals = in_use.setdefault(loop, {})
        if url not in journals:
            keep_small(url)
        journals[url] = found.journal
    found.learn(plugins.new_to(found.performed))
    return found


def _nearest_engine(store: str | None) -> Engine:
    """The running loop's engine; without a loop one that only reads."""
    try:
        return engine(store)
    except IllegalMove:
        return _make_engine(store_url(store))


def see_environment(*, all_names: bool) -> None:
    """In a notebook `env.NAME` sees all names but those that look like secrets; elsewhere those that are allowed."""
    global _all_names  # noqa: PLW0603 - one process, one notebook
    _all_names = all_names


def seen_environment(allowed: Sequence[str]) -> dict[str, str]:
    """What `env` is for a new engine."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in allowed or (_all_names and not LOOKS_SECRET.search(name))
    }


def _make_engine(url: str) -> Engine:
    chosen = settings()
    tools.threads.most = agents.threads.most = chosen.threads
    secrets.redactor.learn_environment(os.environ)
    models.connect()
    if cassettes.current is None and (chosen.record or chosen.replay):
        tape(record=chosen.record, replay=chosen.replay)
    child = ChildExecutor(functools.partial(library, url))
    taped = TapedTools(tools, cassettes)
    ours = built_in(
        tool=ToolExecutor(taped),
        agent=AgentExecutor(
            TapedAgents(agents, cassettes), taped, model=models.default, price=price, timeout=chosen.agent_timeout
        ),
        workflow=child,
    )
    journal = open_journal(url)
    made = Engine(
        journal,
        {**ours, **plugins.new_to({})},
        lambda source, name: _parse(source, name, False).plan,
        secrets=secrets,
        redact=secrets.redactor.clean,
        guard=secrets.redactor.stream,
        env=seen_environment(chosen.env_allow),
        limit=chosen.concurrency,
        pools=chosen.pools,
        rates=chosen.rates,
        history=Past(lambda: engine(home)),
        bus=bus,
        requests=getattr(journal, "requests", None),
        conceal=secrets.conceal,
    )
    child.engine = made
    if who := whoami():
        made.labels["by"] = who
    return made


def start(
    workflow: Workflow | str,
    inputs: Mapping[str, Any] | None = None,
    *,
    store: str | None = None,
    mock: bool = False,
    labels: Mapping[str, str] | None = None,
    breakpoints: Sequence[str] = (),
) -> Execution:
    """Start an execution inside a running loop; `await` it for its end.

    `inputs` are checked against the workflow's; `store` is an address (default: the set one); with `mock`,
    `mock:` values stand in for calls; `breakpoints` are nodes to hold at.
    """
    found = parse(workflow) if isinstance(workflow, str) else workflow
    execution = engine(store).start(found.plan, inputs, labels=labels, mock=mock)
    for node in breakpoints:
        execution.break_at(node)
    return execution


def run(
    workflow: Workflow | str,
    inputs: Mapping[str, Any] | None = None,
    *,
    store: str | None = None,
    mock: bool = False,
    labels: Mapping[str, str] | None = None,
) -> Execution:
    """Run a workflow to its end on a loop of its own, for scripts. Raises `ExecutionFailed` when it failed."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_run(workflow, inputs, store, mock, labels))
    raise IllegalMove("an event loop runs here already: write `execution = nbflow.start(…)` and `await execution`")


async def _run(
    workflow: Workflow | str,
    inputs: Mapping[str, Any] | None,
    store: str | None,
    mock: bool,
    labels: Mapping[str, str] | None,
) -> Execution:
    made = engine(store)
    try:
        return await start(workflow, inputs, store=store, mock=mock, labels=labels)
    finally:
        await made.close()
        await close()


async def close() -> None:
    """Close what models and tools keep open in the running loop: connections, servers."""
    await agents.close()
    await tools.close()


def open(id: str, store: str | None = None) -> Execution:
    """An execution by id, running here or as it is recorded. Raises `NotFound`."""
    made = _nearest_engine(store)
    driver = made.drivers.get(id)
    if driver is not None:
        return Execution(driver, id, driver.state.plan)
    records = made.journal.peek(id)
    if not records:
        raise unknown(id, made.journal.summaries())
    return Execution(None, id, made.plan_of(records), records, made)


def recover(id: str | None = None, *, store: str | None = None) -> list[Execution]:
    """Go on with every execution that was interrupted (or with one), inside a running loop; returns them, running.

    One whose functions are not defined here yet is left as it is, with a warning; asked for by id, it raises `Unready`.
    """
    made = engine(store)
    left = made.left(made.journal.summaries())
    recovered = []
    for one in [id] if id is not None else left:
        execution = open(one, store)
        if one in made.drivers:
            recovered.append(execution)
            continue
        family = (execution, *(open(other, store) for other in left if other.startswith(f"{one}.")))
        lacks = readiness.missing(made, family)
        if lacks and id is not None:
            raise readiness.Unready(f"{one} cannot go on here: {', '.join(lacks)}", LACKS)
        if lacks:
            warnings.warn(f"{one} is left as it is: {', '.join(lacks)}; {LACKS}", stacklevel=2)
        else:
            recovered.append(made.adopt(one, execution.plan, list(execution.events), owner="recover"))
    return recovered


async def fork(
    id: str,
    at: str | int | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    edits: forking.Edits | None = None,
    effects: str | None = None,
    store: str | None = None,
    into: str | None = None,
) -> Execution:
    """A new execution that shares the records of another up to a node or sequence and goes its own way.

    Without `at` it goes on from the node it failed at. `store` is where the other is kept, `into` where the new one
    will be; in another store what may happen only once is mocked, unless `effects` is ``real``. `inputs` and `edits`
    are as in `Execution.fork`.
    """
    from_, to = open(id, store), engine(into if into is not None else store)
    return await forking.fork(to, from_, at, inputs=inputs, edits=edits, effects=effects)

"""Ten planted bugs, ten catches: each is put into the engine, and the simulation has to notice within its seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbflow.errors import NbflowError
from nbflow.execution import advance as advancing
from nbflow.execution import decide as deciding
from nbflow.execution import evolve, joins, retries
from nbflow.execution.events import ExecutionEnding
from nbflow.runtime import driver as driving
from nbflow.runtime.children import ChildExecutor
from nbflow.scheduling.admission import Admission
from nbflow.scheduling.rates import Rate
from nbflow.scheduling.resources import Pool
from nbflow.storage.memory.journal import MemoryJournal
from tests.simulation.test_lives import tell
from tests.simulation.test_simulation import check, survive

SEEDS = range(150)
MORE = range(1_700, 2_200)  # what takes a crash at a rare moment
Patch = pytest.MonkeyPatch


def caught() -> bool:
    for seed in SEEDS:
        try:
            check(survive(seed))
        except (AssertionError, NbflowError, RuntimeError, KeyError):
            return True
    return False


def join_forgets_data(patch: Patch) -> None:
    """A node runs before what it reads is decided."""
    real = joins._verdict
    patch.setattr(joins, "_verdict", lambda node, count: real(node, [count[0], count[1], 0]))


def join_runs_at_the_first(patch: Patch) -> None:
    """`join: all` runs at the first live edge."""
    patch.setattr(joins, "_verdict", lambda node, count: True if count[1] else None if count[0] else False)


def effect_before_its_record(patch: Patch) -> None:
    """An attempt begins although its start is not on disk."""

    def run(self: driving.Driver, effect: Any) -> None:
        self._start(self.state.nodes[effect.path], effect.attempt)

    patch.setattr(driving.Driver, "_run", run)


def in_doubt_is_forgotten(patch: Patch) -> None:
    """After a crash a `once` attempt simply runs again: its start is recorded as one that may be repeated."""
    patch.setattr(deciding, "in_doubt", lambda state: ())
    number = driving.Driver._start

    def start(self: driving.Driver, node: Any, attempt: int) -> None:
        node.attempt = 1
        number(self, node, 1)

    patch.setattr(driving.Driver, "_start", start)


def journal_drops_the_last_record(patch: Patch) -> None:
    """A commit loses its last record and reports success."""
    real = MemoryJournal.append

    async def append(self: MemoryJournal, execution: str, records: Any, *, after: int) -> None:
        await real(self, execution, records[:-1] if len(records) > 2 else records, after=after)

    patch.setattr(MemoryJournal, "append", append)


def journal_writes_twice(patch: Patch) -> None:
    """A commit is written a second time."""
    real = MemoryJournal.append

    async def append(self: MemoryJournal, execution: str, records: Any, *, after: int) -> None:
        await real(self, execution, records, after=after)
        if len(records) == 1 and after > 2:
            await real(self, execution, records, after=after + 1)

    patch.setattr(MemoryJournal, "append", append)


def retries_without_end(patch: Patch) -> None:
    """The limit of retries is off by one."""
    real = retries.retry_at

    def retry_at(node: Any, *rest: Any) -> float | None:
        node.failures -= 1
        try:
            return real(node, *rest)
        finally:
            node.failures += 1

    patch.setattr("nbflow.execution.failures.retry_at", retry_at)


def ending_goes_on(patch: Patch) -> None:
    """A failed execution does not stop what is active, nor what follows."""

    def begin_end(state: Any, phase: str, error: Any, *, but: Any = None) -> list[Any]:
        return [ExecutionEnding(phase, error, ())]

    def establish(state: Any, event: Any, at: float) -> None:
        state.ending, state.error = event.phase, event.error

    patch.setattr("nbflow.execution.failures.begin_end", begin_end)
    patch.setitem(evolve._ESTABLISH, ExecutionEnding, establish)


def completes_too_early(patch: Patch) -> None:
    """The last node is not waited for."""
    real = advancing._close

    def close(state: Any, frame: Any, effects: Any) -> None:
        frame.open -= 1
        real(state, frame, effects)
        frame.open += 1

    patch.setattr(advancing, "_close", close)
    patch.setattr(advancing, "_spread", _spread_always(close))


def _spread_always(close: Callable[..., None]) -> Callable[..., None]:
    def spread(state: Any, event: Any, effects: Any) -> None:
        effects.extend(map(advancing.f.Activate, event.activated))
        close(state, state.nodes[event.node].frame, effects)

    return spread


def a_settled_node_is_told_again(patch: Patch) -> None:
    """The door is open: news of a settled node decides again."""
    patch.setattr(deciding, "_open", lambda state, path: state.nodes.get(path))
    patch.setattr(deciding, "_expected", lambda node, attempt: True)
    real = driving.Driver.tell

    def tell(self: driving.Driver, outcome: Any, committed: Any = None) -> None:
        real(self, outcome, committed)
        if type(outcome).__name__ == "Succeeded":
            real(self, outcome)

    patch.setattr(driving.Driver, "tell", tell)


PLANTED = (
    join_forgets_data,
    join_runs_at_the_first,
    effect_before_its_record,
    in_doubt_is_forgotten,
    journal_drops_the_last_record,
    journal_writes_twice,
    retries_without_end,
    ending_goes_on,
    completes_too_early,
    a_settled_node_is_told_again,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_caught(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert caught(), plant.__doc__


def test_without_a_planted_bug_nothing_is_caught() -> None:
    assert not caught()


# --- of limits, interruptions and children -------------------------------------------------------------------


def caught_in_lives() -> bool:
    for seed in MORE:
        try:
            tell(seed)
        except (AssertionError, NbflowError, RuntimeError, KeyError):
            return True
    return False


def a_pool_holds_one_more(patch: Patch) -> None:
    """A pool lets one more in than it holds."""
    patch.setattr(Pool, "fits", lambda self, amount, now: self.taken + amount <= self.capacity + 1)


def a_rate_is_no_limit(patch: Patch) -> None:
    """Starts under a rate are not counted."""
    patch.setattr(Rate, "opens", lambda self, now: now)


def a_pause_forgets_what_waits_for_capacity(patch: Patch) -> None:
    """What was offered before a pause starts during it."""
    patch.setattr(driving.Driver, "_hold", lambda self: setattr(self.gate, "closed", True))


def a_stopped_attempt_runs_on(patch: Patch) -> None:
    """A suspension stops nothing."""
    patch.setattr(driving.Driver, "drop", lambda self, path: None)


def a_child_is_made_anew(patch: Patch) -> None:
    """An attempt after a crash does not look for the child that is there."""

    async def child(self: ChildExecutor, call: Any, work: Any) -> Any:
        return await self._start(self.engine, call, work, f"{call.execution}.{call.path}.{call.attempt}")

    patch.setattr(ChildExecutor, "_child", child)


def capacity_is_never_given_back(patch: Patch) -> None:
    """A stopped attempt keeps its place in a pool."""
    patch.setattr(Admission, "withdraw", lambda self, execution, path, now=0.0: None)


def children_are_forgotten_when_it_ends(patch: Patch) -> None:
    """After a crash while it was cancelled or failed, nobody ends what it had started."""
    real = advancing.outstanding

    def outstanding(state: Any) -> list[Any]:
        return [effect for effect in real(state) if not isinstance(effect, advancing.f.Stop)]

    patch.setattr(advancing, "outstanding", outstanding)


LIVES = (
    children_are_forgotten_when_it_ends,
    a_pool_holds_one_more,
    a_rate_is_no_limit,
    a_pause_forgets_what_waits_for_capacity,
    a_stopped_attempt_runs_on,
    a_child_is_made_anew,
    capacity_is_never_given_back,
)


@pytest.mark.parametrize("plant", LIVES, ids=lambda plant: plant.__name__)
def test_a_planted_bug_of_limits_interruptions_or_children_is_caught(
    plant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    assert caught_in_lives(), plant.__doc__

"""From drafts to the chart: targets are found, wrong ones reported, numbers given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nbflow.spec.chart import UNKNOWN, Chart, State, Transition
from nbflow.spec.document import Located
from nbflow.spec.machine.drafts import StateDraft, TransitionDraft
from nbflow.spec.machine.reading import MachineReader
from nbflow.spec.names import did_you_mean


def find_targets(machine: MachineReader, owner: str | None) -> None:
    """Every name of a state becomes that state; beginnings lie inside their state, sets of targets fit together."""
    for state in machine.states:
        for transition in (*state.transitions, *state.always):
            transition.to = _found(machine, transition.targets)
            _check_set(machine, transition)
        _begin(machine, state, owner)
    for state in machine.states:
        if state.history and _goes_round(state):
            machine.reading.wrong(
                state.at, "machine.history", f"'{state.id}' stands for itself while nothing is remembered",
                "say with 'to' where to go then: a state that is no history", key=True,
            )  # fmt: skip


def _goes_round(history: StateDraft) -> bool:
    """Whether a history's default comes back to it. One of a state inside never does, so one target is followed."""
    seen: dict[int, None] = {}
    at: StateDraft | None = history
    while at is not None and at.history and id(at) not in seen:
        seen[id(at)] = None
        at = at.initial.to[0] if at.initial is not None and at.initial.to else None
    return at is history


def _found(machine: MachineReader, targets: Iterable[Located], what: str = "state") -> list[StateDraft]:
    found: list[StateDraft] = []
    for at in targets:
        state = machine.by_id.get(str(at.value))
        if state is None:
            hint = did_you_mean(str(at.value), machine.by_id)
            machine.reading.wrong(at, "machine.unknown_state", f"{what} '{at.value}' is not defined", hint)
        elif state not in found:
            found.append(state)
    return found


def _begin(machine: MachineReader, state: StateDraft, owner: str | None) -> None:
    wrong = machine.reading.wrong
    if state.kind in ("compound", "parallel") and not state.regions:
        wrong(state.at, "machine.no_states", f"{state.named()} has no states inside", key=state.parent is not None)
        return
    if state.initial is not None:
        state.initial.to = _found(machine, state.initial.targets, "the initial state" if not state.history else "state")
        within = state.parent if state.history else state
        for target, at in zip(state.initial.to, state.initial.targets, strict=False):
            if within is not None and not target.inside(within):
                what = "remembers" if state.history else "begins"
                wrong(
                    at,
                    "machine.region",
                    f"{state.named()} {what} inside {within.named()}, and '{target.id}' is not there",
                )
        _check_set(machine, state.initial)
    elif state.history:
        state.initial = _default(state)
    elif state.kind == "compound":
        named = f"machine '{owner}'" if owner and state.parent is None else state.named()
        wrong(
            state.at,
            "machine.no_initial",
            f"{named} has no initial state",
            f"initial: {state.regions[0].id}",
            key=state.parent is not None,
        )


def _default(history: StateDraft) -> TransitionDraft:
    """A history without `to` goes where its state begins."""
    parent = history.parent
    assert parent is not None
    made = TransitionDraft(history, history.at)
    if parent.kind == "parallel":
        made.to = parent.regions
    elif parent.initial is not None:
        made.targets = parent.initial.targets
        made.to = parent.initial.to
    return made


def _check_set(machine: MachineReader, transition: TransitionDraft) -> None:
    """Several targets must be in different regions of a parallel."""
    for index, one in enumerate(transition.to):
        for other in transition.to[:index]:
            if not _apart(one, other):
                at = next((at for at in transition.targets if at.value == one.id), transition.at)
                machine.reading.wrong(
                    at, "machine.region", f"'{one.id}' and '{other.id}' cannot be active together",
                    "several targets must be in different regions of one parallel state",
                )  # fmt: skip
                return


def _apart(one: StateDraft, other: StateDraft) -> bool:
    meeting = next((above for above in one.ancestors() if other.inside(above)), None)
    return meeting is not None and meeting.kind == "parallel" and not one.inside(other) and not other.inside(one)


def build(machine: MachineReader) -> Chart:
    """The chart of drafts without errors."""
    states = tuple(_state(draft) for draft in machine.states)
    chart = Chart(
        states=states,
        index={state.id: state.index for state in states},
        context=tuple(machine.context),
        works=tuple(machine.works),
        reads=tuple(machine.reads),
        reads_states=any(
            reference.root == "execution" and reference.path[:1] in ((), ("states",))
            for read in machine.reads
            for reference in read.template.references
        ),
    )
    numbers = {id(draft): number for number, draft in enumerate(_all(machine))}
    finished = tuple(
        replace(
            state,
            transitions=tuple(_transition(chart, item, numbers) for item in draft.transitions),
            always=tuple(_transition(chart, item, numbers) for item in draft.always),
        )
        for state, draft in zip(states, machine.states, strict=True)
    )
    return replace(chart, states=finished, moves_on=any(state.always for state in finished))


def _all(machine: MachineReader) -> Iterable[TransitionDraft]:
    for state in machine.states:
        yield from state.transitions
        yield from state.always


def _state(draft: StateDraft) -> State:
    initial = draft.initial
    return State(
        id=draft.id,
        index=draft.index,
        kind=draft.kind,
        parent=draft.parent.index if draft.parent is not None else -1,
        ancestors=tuple(above.index for above in draft.ancestors()),
        children=tuple(child.index for child in draft.regions),
        histories=tuple(child.index for child in draft.children if child.history),
        last=_last(draft),
        initial=tuple(target.index for target in initial.to) if initial is not None else (),
        initial_actions=initial.actions if initial is not None else (),
        entry=draft.entry,
        exit=draft.exit,
        timers=tuple(draft.timers),
        invokes=tuple(draft.invokes),
        output=draft.output,
        label=draft.label,
        doc=draft.doc,
        line=draft.at.key_line,
        column=draft.at.key_column,
    )


def _last(draft: StateDraft) -> int:
    while draft.children:
        draft = draft.children[-1]
    return draft.index


def _transition(chart: Chart, draft: TransitionDraft, numbers: Mapping[int, int]) -> Transition:
    targets = tuple(target.index for target in draft.to)
    fixed = bool(targets) and not any(target.history for target in draft.to)
    return Transition(
        number=numbers[id(draft)],
        source=draft.source.index,
        targets=targets,
        events=draft.events,
        timer=draft.timer,
        condition=draft.condition,
        actions=draft.actions,
        internal=draft.internal,
        domain=chart.domain(draft.source.index, targets, draft.internal) if fixed else UNKNOWN,
        label=draft.label,
        line=draft.at.key_line,
        column=draft.at.key_column,
    )

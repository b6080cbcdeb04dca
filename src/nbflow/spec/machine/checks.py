"""What is wrong with a machine whose names are all right: nothing leads there, nothing leads on, nothing ever rests.

Every check is linear in states and transitions (times their depth), and none claims what running could refute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbflow.spec.document import finding
from nbflow.spec.machine.drafts import StateDraft, TransitionDraft
from nbflow.spec.machine.reading import MachineReader
from nbflow.spec.names import did_you_mean


def check_machine(machine: MachineReader, root: StateDraft) -> None:
    """All checks that need every target to be known."""
    reached = _reached(root)
    for state in machine.states[1:]:
        if id(state) not in reached:
            machine.reading.wrong(
                state.at, "machine.unreachable", f"nothing leads to state '{state.id}'", severity="warning", key=True
            )
    _check_ends(machine, root, [state for state in machine.states if id(state) in reached])
    _check_cycles(machine, reached)


def check_transitions(machine: MachineReader) -> None:
    """What the transitions say, each state for itself."""
    for state in machine.states:
        _check_always_order(machine, state)
        _check_event_order(machine, state)
        for transition in (*state.transitions, *state.always):
            _check_regions(machine, transition)
            for descriptor in transition.events:
                _check_event(machine, transition, descriptor)


def check_names(machine: MachineReader) -> None:
    """Names of the context, and ids of what is cancelled."""
    for at in machine.actions.cancelled:
        if at.value not in machine.actions.ids:
            hint = did_you_mean(str(at.value), machine.actions.ids)
            _warn(machine, at, "machine.unknown_event", f"no delayed event and no run has the id '{at.value}'", hint)
    if not machine.context:
        return
    known = dict(machine.context)
    for name, at in machine.assigned.items():
        if name not in known:
            hint = did_you_mean(name, known) or "add it to 'context' with its first value"
            _warn(machine, at, "machine.unknown_context", f"the context has no '{name}'", hint, key=True)
    _check_reads(machine, {**dict.fromkeys(machine.assigned), **dict.fromkeys(known)})


def _check_reads(machine: MachineReader, known: dict[str, None]) -> None:
    for read in machine.reads:
        for reference in read.template.references:
            name = reference.path[0] if reference.root == "ctx" and reference.path else None
            if isinstance(name, str) and name not in known and reference.at is not None:
                found = finding(
                    reference.at, "machine.unknown_context", f"the context has no '{name}'",
                    hint=did_you_mean(name, known), severity="warning", offset=reference.offset, length=len(name) + 4,
                )  # fmt: skip
                machine.reading.report(found)


# ---- where one can get ----


def _lands(targets: Iterable[StateDraft]) -> Iterator[StateDraft]:
    """The states entered when these are: themselves, what is around them with its regions, and what they begin in."""
    seen: dict[int, StateDraft] = {}
    waiting = list(targets)
    while waiting:
        state = waiting.pop()
        if id(state) in seen:
            continue
        seen[id(state)] = state
        if state.kind == "parallel":
            waiting += state.regions
        elif state.initial is not None:
            waiting += state.initial.to
        if state.parent is not None and state.parent.parent is not None:
            above = state.parent
            if above.kind == "parallel":
                waiting.append(above)
            elif id(above) not in seen:
                seen[id(above)] = above  # entered, but not where it begins
                waiting += [above.parent] if above.parent is not None and above.parent.kind == "parallel" else []
                waiting += _around(above, seen)
    return iter(seen.values())


def _around(state: StateDraft, seen: dict[int, StateDraft]) -> list[StateDraft]:
    """The parallel states further out, which enter all their regions."""
    found: list[StateDraft] = []
    for above in state.ancestors():
        if above.parent is None:
            break
        if above.kind == "parallel":
            found.append(above)
        else:
            seen.setdefault(id(above), above)
    return found


def _reached(root: StateDraft) -> dict[int, StateDraft]:
    reached: dict[int, StateDraft] = {id(root): root}
    waiting = [root]
    first = root.regions if root.kind == "parallel" else root.initial.to if root.initial is not None else []
    for state in _lands(first):
        reached.setdefault(id(state), state)
        waiting.append(state)
    while waiting:
        state = waiting.pop()
        for transition in (*state.transitions, *state.always):
            for landed in _lands(transition.to):
                if id(landed) not in reached:
                    reached[id(landed)] = landed
                    waiting.append(landed)
    return reached


# ---- where one gets stuck ----


def _ways(state: StateDraft) -> Iterator[TransitionDraft]:
    """What may lead on while a state is active: its own, those around it, and all of a parallel it is part of."""
    outermost = next((above for above in reversed([state, *state.ancestors()]) if above.kind == "parallel"), None)
    if outermost is not None:
        yield from _all_inside(outermost)
        state = outermost
    else:
        yield from state.transitions
        yield from state.always
    for above in state.ancestors():
        yield from above.transitions
        yield from above.always


def _all_inside(state: StateDraft) -> Iterator[TransitionDraft]:
    yield from state.transitions
    yield from state.always
    for child in state.children:
        yield from _all_inside(child)


def _check_ends(machine: MachineReader, root: StateDraft, reached: list[StateDraft]) -> None:
    leaves = [state for state in reached if not state.children and not state.history]
    ways = {id(state): [way for way in _ways(state) if way.to] for state in leaves}
    ends = [state for state in reached if state.kind == "final" and state.parent is root]
    saved = _saved(leaves, ways, ends)
    for state in leaves:
        if state.kind == "final" and (state.parent is root or not ends):
            continue
        if not ways[id(state)]:
            message = f"nothing leads out of state '{state.id}', and it is not the end"
            hint = "an end is written 'type: final' at the top of the machine"
            _warn(machine, state.at, "machine.dead_end", message, hint, key=True)
        elif ends and id(state) not in saved:
            message = f"no path leads from '{state.id}' to a final state"
            _warn(machine, state.at, "machine.trap_state", message, key=True)


def _saved(leaves: list[StateDraft], ways: dict[int, list[TransitionDraft]], ends: list[StateDraft]) -> dict[int, None]:
    """The states from which a final state of the machine can be reached, by going backwards."""
    back: dict[int, list[int]] = {}
    lands: dict[int, list[int]] = {}
    for state in leaves:
        for way in ways[id(state)]:
            if id(way) not in lands:
                lands[id(way)] = [id(landed) for landed in _lands(way.to) if not landed.children]
            for landed in lands[id(way)]:
                back.setdefault(landed, []).append(id(state))
    saved = {id(end): None for end in ends}
    waiting = list(saved)
    while waiting:
        for earlier in back.get(waiting.pop(), ()):
            if earlier not in saved:
                saved[earlier] = None
                waiting.append(earlier)
    return saved


# ---- what never rests ----


def _sure(state: StateDraft) -> TransitionDraft | None:
    """The `always` transition that is taken whenever this innermost state is active; None when a guard decides."""
    for place in (state, *state.ancestors()):
        if place.always:
            return None if place.always[0].guarded else place.always[0]
    return None


def _check_cycles(machine: MachineReader, reached: dict[int, StateDraft]) -> None:
    done: dict[int, None] = {}
    for start in reached.values():
        if start.children or start.history or id(start) in done:
            continue
        path: list[tuple[StateDraft, TransitionDraft]] = []
        on_path: dict[int, int] = {}
        state: StateDraft | None = start
        while state is not None and id(state) not in done:
            if id(state) in on_path:
                _cycle(machine, path[on_path[id(state)] :])
                break
            sure = _sure(state)
            if sure is None:
                break
            on_path[id(state)] = len(path)
            path.append((state, sure))
            state = state if not sure.to else _only_leaf(sure.to)
        done.update((id(each), None) for each, _ in path)


def _only_leaf(targets: list[StateDraft]) -> StateDraft | None:
    leaves = [state for state in _lands(targets) if not state.children and not state.history]
    return leaves[0] if len(leaves) == 1 else None


def _cycle(machine: MachineReader, cycle: list[tuple[StateDraft, TransitionDraft]]) -> None:
    names = " → ".join(f"'{state.id}'" for state, _ in (*cycle, cycle[0]))
    alone = not any(above.kind == "parallel" for state, _ in cycle for above in state.ancestors())
    at = cycle[-1][1].at
    machine.reading.wrong(
        at, "machine.always_cycle", f"{names} goes round for ever: no 'always' of it has a condition",
        "give one of them an 'if'", severity="error" if alone else "warning",
    )  # fmt: skip


# ---- what is never taken ----


def _check_always_order(machine: MachineReader, state: StateDraft) -> None:
    sure = next((index for index, item in enumerate(state.always) if not item.guarded), None)
    if sure is not None:
        for later in state.always[sure + 1 :]:
            _shadowed(machine, later, "the one before it has no condition")


def _check_event_order(machine: MachineReader, state: StateDraft) -> None:
    sure: dict[str, None] = {}
    for transition in state.transitions:
        names = transition.events or ((transition.timer or ""),)
        by = [next((known for known in _covering(name) if known in sure), None) for name in names]
        if by and all(known is not None for known in by):
            _shadowed(
                machine,
                transition,
                f"'{by[0]}' before it has no condition" if transition.events else "the one before it has no condition",
            )
        if not transition.guarded:
            sure.update(dict.fromkeys(names))


def _covering(name: str) -> Iterator[str]:
    """The descriptors that hear all that this one hears."""
    yield name
    parts = name.removesuffix(".*").split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length]) + ".*"
    yield "*"


def _shadowed(machine: MachineReader, transition: TransitionDraft, why: str) -> None:
    _warn(
        machine,
        transition.at,
        "machine.shadowed",
        f"this transition is never taken: {why}",
        "put it first, or give the other one an 'if'",
    )


def _check_regions(machine: MachineReader, transition: TransitionDraft) -> None:
    for target in transition.to:
        meeting = next((above for above in transition.source.ancestors() if target.inside(above)), None)
        if meeting is None or meeting.kind != "parallel" or target.inside(transition.source):
            continue
        at = next((at for at in transition.targets if at.value == target.id), transition.at)
        message = f"'{target.id}' is in another region: all of '{meeting.id}' is left and entered anew"
        _warn(machine, at, "machine.region", message, "to tell another region something, raise an event")


def _check_event(machine: MachineReader, transition: TransitionDraft, descriptor: str) -> None:
    family, _, name = descriptor.removesuffix(".*").partition(".")
    if family not in ("done", "error") or not name or name in ("execution", "communication"):
        return
    if name.startswith("state."):
        state = machine.by_id.get(name[6:])
        if state is None or not state.children:
            hint = did_you_mean(name[6:], [each.id for each in machine.states if each.children])
            _warn(
                machine,
                transition.at,
                "machine.unknown_event",
                f"'{descriptor}' never comes: no state '{name[6:]}' has an end",
                hint,
                key=True,
            )
        return
    works = {work.id: None for work in machine.works}
    if name.partition(".")[0] not in works and descriptor not in machine.raised:
        hint = did_you_mean(name, works) or "what runs is named with 'as' under 'invoke' or beside 'run'"
        _warn(
            machine,
            transition.at,
            "machine.unknown_event",
            f"'{descriptor}' never comes: nothing named '{name}' runs",
            hint,
            key=True,
        )


def _warn(
    machine: MachineReader, at: object, code: str, message: str, hint: str | None = None, *, key: bool = False
) -> None:
    machine.reading.wrong(at, code, message, hint, severity="warning", key=key)  # type: ignore[arg-type]

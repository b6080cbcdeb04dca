"""What is wrong with a machine whose names are all right: nothing leads there, nothing leads on, nothing ever rests.

Every check is linear in states and transitions (times their depth), and none claims what running could refute.
"""

from __future__ import annotations

from nbflow.spec.document import finding
from nbflow.spec.machine.drafts import StateDraft, TransitionDraft
from nbflow.spec.machine.preempted import preempted
from nbflow.spec.machine.reach import Reach, Ways, beginning, stuck_together
from nbflow.spec.machine.reading import MachineReader
from nbflow.spec.machine.shadows import Inner, shadowed_before
from nbflow.spec.names import did_you_mean, listed


def check_machine(machine: MachineReader, root: StateDraft) -> None:
    """All checks that need every target to be known."""
    known = {id(transition): None for state in machine.states for transition, _ in shadowed_before(state)}
    reach = Reach(root, known, machine.raised)
    for transition, why in Inner(reach.states, known).look(root):
        _shadowed(machine, transition, why, "remove it, or give one of those inside an 'if'")
        known[id(transition)] = None
    for state in machine.states:
        for transition, why in preempted(state, reach.states) if state.kind == "parallel" else ():
            if id(transition) not in known:
                _shadowed(machine, transition, why, "put that region last, or raise an event of its own")
                known[id(transition)] = None
    reach = Reach(root, known, machine.raised)
    for state in machine.states[1:]:
        if id(state) not in reach.states:
            _warn(machine, state.at, "machine.unreachable", f"nothing leads to state '{state.id}'", key=True)
    _check_ends(machine, root, reach)
    _check_cycles(machine, reach.states)


def check_transitions(machine: MachineReader) -> None:
    """What the transitions say, each state for itself."""
    for state in machine.states:
        for transition, why in shadowed_before(state):
            _shadowed(machine, transition, why, "put it first, or give the other one an 'if'")
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
    if not machine.declares_context:
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


# ---- where one gets stuck ----


def _check_ends(machine: MachineReader, root: StateDraft, reach: Reach) -> None:
    leaves = [state for state in machine.states if id(state) in reach.states and not (state.children or state.history)]
    ends = [state for state in root.children if state.kind == "final"]
    ways = Ways(reach)
    for state in machine.states:
        if state.kind == "parallel" and (stuck := stuck_together(state, reach)):
            message = f"nothing leads out of '{state.id}' once it is in {listed(each.id for each in stuck)}"
            _warn(
                machine,
                state.at,
                "machine.dead_end",
                message,
                "let one of them lead on, or all of them to an end",
                key=True,
            )
    saved = ways.back_from([end for end in ends if id(end) in reach.states])
    for state in leaves:
        if state.kind == "final" and (state.parent is root or not ends):
            continue
        if not ways.lead_on(state):
            message = f"nothing leads out of state '{state.id}', and it is not the end"
            hint = "an end is written 'type: final' at the top of the machine"
            _warn(machine, state.at, "machine.dead_end", message, hint, key=True)
        elif ends and id(state) not in saved:
            alone = " or from any other state" if not saved else ""
            message = f"no path leads from '{state.id}'{alone} to a final state"
            _warn(machine, state.at, "machine.trap_state", message, key=True)
            if alone:
                return  # all of them: once is enough


# ---- what never rests ----


def _sure(state: StateDraft) -> TransitionDraft | None:
    """What is taken at once whenever this innermost state is active (`always`, `after: 0s`); None: a guard decides."""
    for place in (state, *state.ancestors()):
        first = next((transition for transition in place.always if transition.holds is not False), None)
        if first is not None:
            return first if first.holds else None
    at_once = [name for name, seconds in state.timers if not seconds]
    first = next((way for way in state.transitions if way.timer in at_once and way.to), None)
    return first if first is not None and first.holds else None


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
            state = state if not sure.to else _only_leaf(state, sure.to)
        done.update((id(each), None) for each, _ in path)


def _only_leaf(source: StateDraft, targets: list[StateDraft]) -> StateDraft | None:
    """The one innermost state that is active then, in the region of the source if it is in one; if that is sure."""
    [target, *others] = targets
    leaf = beginning(target)
    regions = [state for state in (source, *source.ancestors()) if state.parent is not None]
    own = {id(state.parent): state for state in regions if state.parent is not None and state.parent.kind == "parallel"}
    for above in leaf.ancestors():
        if above.kind != "parallel" or len(above.regions) < 2:
            continue
        region = own.get(id(above))
        if region is None or not target.inside(region) or _is_left(above, region):
            return None
    return None if others or target.history else leaf


def _is_left(parallel: StateDraft, region: StateDraft) -> bool:
    """Whether another region may make the parallel state be left while nothing is heard."""
    waiting = [other for other in parallel.regions if other is not region]
    while waiting:
        state = waiting.pop()
        waiting += state.regions
        if any(not target.inside(parallel) for way in state.always for target in way.to):
            return True
    return False


def _cycle(machine: MachineReader, cycle: list[tuple[StateDraft, TransitionDraft]]) -> None:
    names = " → ".join(f"'{state.id}'" for state, _ in (*cycle, cycle[0]))
    alone = not any(way.timer for _, way in cycle) and not any(
        above.kind == "parallel" for state, _ in cycle for above in state.ancestors()
    )
    at = cycle[-1][1].at
    kind = "'after: 0s'" if all(way.timer for _, way in cycle) else "'always'"
    machine.reading.wrong(
        at, "machine.always_cycle", f"{names} goes round for ever: no {kind} of it has a condition that may fail",
        "give one of them an 'if'", severity="error" if alone else "warning",
    )  # fmt: skip


# ---- what is never taken ----


def _shadowed(machine: MachineReader, transition: TransitionDraft, why: str, hint: str) -> None:
    _warn(machine, transition.at, "machine.shadowed", f"this transition is never taken: {why}", hint)


def _check_regions(machine: MachineReader, transition: TransitionDraft) -> None:
    source = transition.source
    for target in transition.to:
        meeting = next((above for above in source.ancestors() if target.inside(above)), None)
        if meeting is None or meeting.kind != "parallel":
            continue
        at = next((at for at in transition.targets if at.value == target.id), transition.at)
        if target is not source and not target.inside(source):
            message = f"'{target.id}' is in another region: all of '{meeting.id}' is left and entered anew"
            hint = "to tell another region something, raise an event"
        elif target is source or not transition.internal:
            message = f"this leaves the region '{source.id}', and so all of '{meeting.id}', which is entered anew"
            hint = "internal: true" if target is not source else "move states inside it instead"
        else:
            continue
        _warn(machine, at, "machine.region", message, hint)


def _check_event(machine: MachineReader, transition: TransitionDraft, descriptor: str) -> None:
    family, _, name = descriptor.removesuffix(".*").partition(".")
    if family not in ("done", "error") or not name or name in ("execution", "communication"):
        return
    if name.startswith("state."):
        state = machine.by_id.get(name[6:])
        if (state is None or not _can_end(state)) and descriptor not in machine.raised:
            hint = did_you_mean(name[6:], [each.id for each in machine.states if _can_end(each)])
            if state is not None:
                hint = (
                    f"put a state of 'type: final' into {'every region of ' * (state.kind == 'parallel')}'{state.id}'"
                )
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


def _can_end(state: StateDraft) -> bool:
    """Whether there is a final state in it; in a parallel one, in every region."""
    if state.kind == "parallel":
        return all(_can_end(region) for region in state.regions)
    return any(child.kind == "final" for child in state.regions)


def _warn(
    machine: MachineReader, at: object, code: str, message: str, hint: str | None = None, *, key: bool = False
) -> None:
    machine.reading.wrong(at, code, message, hint, severity="warning", key=key)  # type: ignore[arg-type]

"""Random statecharts as SCXML, which two implementations can read and understand alike.

python-statemachine enters regions level by level and keeps active states in the order of entering. So here regions
hold leaves, only leaves raise events in them, and transitions in a region stay in it: what follows from the order of
the document beyond that is for the documents in `scxml/` to prove. It also leaves more than the standard's algorithm
does when a transition from inside a state goes to that state's own history: nobody goes there here.

A budget in the data ends what could go round for ever: eventless transitions and raised events use it up.
Every entry, exit and transition leaves a word in `log`, so that order shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

EVENTS = ("e1", "e2", "e3")
RAISED = ("i1", "i2")


@dataclass
class Shape:
    id: str
    kind: str  # state, parallel, final
    children: list[Shape] = field(default_factory=list)
    history: str | None = None  # shallow, deep

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()


@st.composite
def shapes(draw, number, depth, kinds=("state", "state", "state", "parallel", "final")):
    """A state and those inside."""
    number[0] += 1
    kind = draw(st.sampled_from(kinds))
    shape = Shape(f"s{number[0]}", kind)
    if kind == "final" or depth == 0:
        shape.kind = "final" if kind == "final" else "state"
    elif kind == "parallel":
        shape.children = [region(draw, number) for _ in range(draw(st.integers(2, 3)))]
    else:
        shape.children = [draw(shapes(number, depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    if shape.children and draw(st.integers(0, 3)) == 0:
        shape.history = draw(st.sampled_from(["shallow", "deep"]))
    return shape


def region(draw, number):
    number[0] += 1
    shape = Shape(f"s{number[0]}", "state")
    for kind in ("state", draw(st.sampled_from(["state", "final"])), draw(st.sampled_from(["state", "final", None]))):
        if kind is not None:
            number[0] += 1
            shape.children.append(Shape(f"s{number[0]}", kind))
    return shape


@st.composite
def charts(draw):
    number = [0]
    tops = [draw(shapes(number, 4, ("state",))) for _ in range(draw(st.integers(1, 3)))]
    every = [shape for top in tops for shape in top.all()]
    targets = [shape.id for shape in every] + [f"h_{shape.id}" for shape in every if shape.history]
    writer = Writer(draw, targets, {shape.id: {inner.id for inner in shape.all()} for shape in every})
    body = "".join(writer.state(top) for top in tops)
    return (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="python" '
        f'initial="{tops[0].id}"><datamodel><data id="log" expr="\'\'"/><data id="budget" expr="6"/></datamodel>'
        f"{body}</scxml>"
    )


class Writer:
    def __init__(self, draw, targets, inside):
        self.draw, self.targets, self.inside, self.ids = draw, targets, inside, list(inside)
        self.number = 0

    def state(self, shape, region=None):
        raised = "" if region is shape else self.raised()
        content = [f"<onentry>{note('+' + shape.id)}{raised}</onentry>"]
        if shape.kind != "final":
            content.append(f"<onexit>{note('-' + shape.id)}</onexit>")
            content += [self.transition(shape, region) for _ in range(self.draw(st.integers(0, 3)))]
        if shape.history:
            default = shape.children[self.draw(st.integers(0, len(shape.children) - 1))].id
            if shape.kind == "parallel":
                default = " ".join(child.id for child in shape.children)
            content.append(
                f'<history id="h_{shape.id}" type="{shape.history}"><transition target="{default}"/></history>'
            )
        content += [
            self.state(child, region or (child if shape.kind == "parallel" else None)) for child in shape.children
        ]
        initial = ""
        if shape.kind == "state" and shape.children:
            initial = f' initial="{self.draw(st.sampled_from(shape.children)).id}"'
        return f'<{shape.kind} id="{shape.id}"{initial}>{"".join(content)}</{shape.kind}>'

    def raised(self):
        if self.draw(st.integers(0, 4)):
            return ""
        return f'<if cond="budget &gt; 0">{SPEND}<raise event="{self.draw(st.sampled_from(RAISED))}"/></if>'

    def transition(self, shape, region):
        self.number += 1
        event = self.draw(st.sampled_from([*EVENTS, *EVENTS, *RAISED, "e1 i2", "*", None, "done.state"]))
        guard = self.draw(st.sampled_from([None, None, None, f"In('{self.draw(st.sampled_from(self.ids))}')"]))
        spend = ""
        if event in (None, "*", "done.state"):
            guard = "budget > 0" + (f" and {guard}" if guard else "")
            spend = SPEND
        inside = [inner.id for inner in shape.all()][1:]
        targets = [child.id for child in region.children] if region else self.targets
        target = self.draw(st.sampled_from([*targets, *targets, None]))
        if target and target.startswith("h_") and shape.id in self.inside[target[2:]] - {target[2:]}:
            target = None
        internal = ""
        if inside and (region or self.draw(st.integers(0, 3)) == 0):
            internal, target = ' type="internal"', self.draw(st.sampled_from(inside))
        content = spend + note(f"t{self.number}")
        if target and target.startswith("h_"):  # the other one runs such content twice
            event, guard, content = (event if event in (*EVENTS, *RAISED) else "e1"), None, ""
        return (
            "<transition"
            + (f' event="{event}"' if event else "")
            + (f' cond="{guard.replace(">", "&gt;")}"' if guard else "")
            + (f' target="{target}"' if target else "")
            + f"{internal}>{content}</transition>"
        )


SPEND = '<assign location="budget" expr="budget - 1"/>'


def note(word):
    return f'<assign location="log" expr="log + \'{word} \'"/>'

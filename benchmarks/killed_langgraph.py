"""A chain of nodes by LangGraph with its SQLite saver, to be killed: ``killed_langgraph.py FOLDER ID [DURABILITY]``.

Each node writes its number to a ledger, synced, and gives it. What was interrupted is continued from its last
checkpoint, as LangGraph's pages say: with None as input. It needs LangGraph and the standard library alone.
"""

from __future__ import annotations

import operator
import os
import sqlite3
import sys
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

NODES = 30


class State(TypedDict):
    """The numbers of the nodes that ran."""

    done: Annotated[list[int], operator.add]


def main(folder: Path, execution: str, durability: str) -> None:
    ledger = os.open(folder / f"{execution}.ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    graph = StateGraph(State)
    for number in range(NODES):

        def step(state: State, number: int = number) -> State:
            os.write(ledger, f"{number}\n".encode())
            os.fsync(ledger)
            return {"done": [number]}

        graph.add_node(f"n{number}", step)
        graph.add_edge(f"n{number - 1}" if number else START, f"n{number}")
    graph.add_edge(f"n{NODES - 1}", END)
    saver = SqliteSaver(sqlite3.connect(folder / "checkpoints.sqlite", check_same_thread=False))
    compiled = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": execution}, "recursion_limit": NODES + 5}
    begun = compiled.get_state(config).next or compiled.get_state(config).values
    print("going", flush=True)
    last = compiled.invoke(None if begun else {"done": []}, config, durability=durability or None)
    print("done", *last["done"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "".join(sys.argv[3:]))

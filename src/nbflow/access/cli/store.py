"""`nbflow store`: the embedded store itself: what it has, whether it is well, keeping it small, moving it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nbflow import stores
from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json, Store
from nbflow.access.cli.printing import DONE, FAILED, say
from nbflow.access.cli.reading import UsageProblem, read_duration
from nbflow.ports.journal import Gap
from nbflow.spec.sizes import parse_size

group = typer.Typer(no_args_is_help=True, help="The embedded store: what it has, whether it is well, keeping it small.")


@group.command()
def check(json: Json = False, store: Store = None) -> None:
    """Read everything, and name what is missing or damaged; exit 1 when something is."""
    with Answer(json) as answer:
        found = stores.open_upkeep(store).check()
        code = FAILED if found else DONE
        answer.give({"whole": not found, "gaps": [_gap(gap) for gap in found]}, lambda: _show(found), code)


@group.command()
def vacuum(
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="TIME", help="take out executions that ended longer ago, as 30d")
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="SIZE", help="take out the oldest until it has this size, as 2GB")
    ] = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Take out what is old and give its space back; what has not ended always stays."""
    with Answer(json) as answer:
        seconds = None if keep is None else read_duration(keep)
        upkeep = stores.open_retention(store) or stores.open_upkeep(store)
        done = upkeep.vacuum(keep=seconds, size=None if size is None else _bytes(size))
        document = {name: getattr(done, name) for name in ("executions", "records", "values", "before", "after")}
        answer.give(document, lambda: say(
            f"took out {done.executions} executions and {done.values} values; "
            f"{_spelled(done.before)} before, {_spelled(done.after)} now"
        ))  # fmt: skip


@group.command("export")
def export_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="to write; compressed when it ends in .gz")],
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="these executions, not all")] = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """Write executions with their values, and the catalog, to one file."""
    with Answer(json) as answer, _files():
        done = stores.open_upkeep(store).export(file, only)
        answer.give(_carried(done), lambda: say(f"wrote {done.executions} executions to {file}", "green"))


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what `nbflow store export` wrote")],
    json: Json = False,
    store: Store = None,
) -> None:
    """Take in what was exported; what is there already stays as it is."""
    with Answer(json) as answer, _files():
        done = stores.open_upkeep(store).take_in(file)
        answer.give(_carried(done), lambda: _show_import(done), FAILED if done.left else DONE)


def _show(found: list[Gap]) -> None:
    for gap in found:
        say(gap.message, "red")
    say("whole" if not found else f"{len(found)} findings", "green" if not found else "bold")


def _show_import(done: Any) -> None:
    say(f"took in {done.executions} executions, {done.workflows} workflows", "green")
    for execution in done.left:
        say(f"{execution} is there already and differs; it was left as it is", "yellow")


def _gap(gap: Gap) -> dict[str, Any]:
    return {"execution": gap.execution, "first": gap.first, "last": gap.last, "message": gap.message}


def _carried(done: Any) -> dict[str, Any]:
    return {
        "executions": done.executions, "records": done.records, "values": done.values, "workflows": done.workflows,
        "left": list(done.left),
    }  # fmt: skip


class _files:  # noqa: N801 - used as a word
    """What the system says of a file is the person's to mend."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, OSError):
            raise UsageProblem("cli.file", f"{problem.filename}: {problem.strerror}") from None


def _bytes(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError:
        raise UsageProblem("cli.size", f"{text!r} is no size", "such as 500MB or 2GB") from None


def _spelled(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"

"""The page on notebooks says what there is: its tables are those of the program."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nbflow.notebook import inspector
from nbflow.notebook.commands import COMMANDS, page
from nbflow.notebook.help import cell_page
from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES
from nbflow.notebook.preferences import NBFlow
from nbflow.notebook.verbs import ALIASES, CONTROLS, VERBS, table
from nbflow.runtime.execution import Execution

SOURCE = Path(__file__).parents[2] / "src" / "nbflow" / "notebook"
PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


def test_the_table_of_verbs_is_the_programs():
    text = PAGE.read_text(encoding="utf-8")
    wanted = re.sub(
        r"(<!-- verbs -->\n).*?(<!-- /verbs -->)", lambda found: found[1] + table() + found[2], text, flags=re.DOTALL
    )
    if os.environ.get("NBFLOW_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted


def test_every_verb_is_a_method_of_an_execution():
    for verb in VERBS:
        assert callable(getattr(Execution, verb.python.partition("(")[0])), verb.name


CONTROL = re.compile(r"""(?:cmd["']?[:=] ?|_tool\(|command == |\((?=["']\w+["'], (?:["'][A-Z]|BY_NAME)))["'](\w+)""")
LOOKED_AT = {"hello", "look", "unlook", "unwatch", "whole", "undo", "close"}  # changes what is seen and nothing else


def test_every_control_of_the_view_is_in_the_table_and_has_a_label_there():
    sources = [path.read_text(encoding="utf-8") for path in (SOURCE / "widgets").glob("*.js")]
    sources += [
        (SOURCE / name).read_text(encoding="utf-8") for name in ("controls.py", "inspector.py", "widgets/past.py")
    ]
    found = {name for text in sources for name in CONTROL.findall(text)}
    found |= {*inspector.COMMANDS.values()}
    known = {each.name: each.button for each in (*VERBS, *CONTROLS)}
    assert found - LOOKED_AT <= set(known), "each control has a magic and a method"
    assert all(known[name] for name in found - LOOKED_AT)
    assert {name for name, button in known.items() if button} <= found, "each button of the table is in the view"


def test_every_control_has_a_magic_and_a_method():
    for each in CONTROLS:
        assert each.magic.split()[1] in COMMANDS, each.name
        assert callable(getattr(Execution, each.python.partition("(")[0])), each.name
    for alias, name in ALIASES.items():
        assert f"also: {alias}" in page()
        assert f"`%workflow {name} ID`, `{alias}`" in table()


def test_no_line_of_help_runs_into_its_words():
    for line in page().splitlines()[2:]:
        assert not line.strip() or re.match(r"  \S+( \S+)*$| {30,}\S|  .*\S {2,}\S", line), line


def test_every_option_is_on_the_page_and_in_the_help():
    text, help = PAGE.read_text(encoding="utf-8"), cell_page()
    for option in (*FLAGS, *VALUES, *OPTIONAL):
        assert option in help
        assert f"`{option}" in text or option == "--help", option


def test_every_command_and_preference_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert re.search(rf"%workflow {name}\b|`{name}`", text), name
    for name in NBFlow.class_trait_names(config=True):
        assert f"`{name}`" in text, name


def test_the_pictures_of_the_page_are_there():
    for name in re.findall(r"\]\((images/[\w.-]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / name).is_file(), name

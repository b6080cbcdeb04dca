"""The page on notebooks says what there is: its tables are those of the program."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nbflow.notebook.commands import COMMANDS
from nbflow.notebook.help import cell_page
from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES
from nbflow.notebook.preferences import NBFlow
from nbflow.notebook.verbs import VERBS, table
from nbflow.runtime.execution import Execution

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

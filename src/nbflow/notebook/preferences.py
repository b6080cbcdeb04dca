"""``%config NBFlow``: what a person sets for a notebook."""

from __future__ import annotations

from traitlets import Bool, Dict, Enum, Unicode
from traitlets.config import Configurable


class NBFlow(Configurable):
    """Preferences of the magics; ``%config NBFlow`` lists them."""

    store = Unicode("", help="Where executions are kept when a cell says nothing: duckdb:///path or memory:").tag(
        config=True
    )
    live = Bool(True, help="Show a live view; without it a still picture and lines of text.").tag(config=True)
    background = Bool(False, help="Let every %%workflow cell return at once.").tag(config=True)
    agent_model = Unicode("", help="The model of agents that name none: provider/name, or a function's name.").tag(
        config=True
    )
    aliases = Dict(help="Short names of models: {'fast': 'openai/gpt-5-mini'}.").tag(config=True)
    theme = Enum(["auto", "light", "dark"], "auto", help="Colours of the live view.").tag(config=True)

"""The text of a workflow as data that remembers where it stands: YAML 1.2 or JSON, read within limits."""

from nbflow.spec.document.composer import Limits
from nbflow.spec.document.concealed import conceal, find_secret
from nbflow.spec.document.loading import load
from nbflow.spec.document.located import Located, Source, finding, finding_at, kind_of
from nbflow.spec.document.places import place_in
from nbflow.spec.document.traps import glued_colon

__all__ = [
    "Limits",
    "Located",
    "Source",
    "conceal",
    "find_secret",
    "finding",
    "finding_at",
    "glued_colon",
    "kind_of",
    "load",
    "place_in",
]

"""What neither the machine nor its reader has."""

from __future__ import annotations


class Unsupported(Exception):
    """A feature of SCXML, of its data model or of a document's size that is not there; the text says which."""


class Scope(dict):
    """Roots of expressions. A document has no `inputs`: an expression that comes upon what it does not know reads them."""

    def __missing__(self, root: str) -> object:
        if root == "inputs":
            raise Unsupported("this much ECMAScript")
        raise KeyError(root)

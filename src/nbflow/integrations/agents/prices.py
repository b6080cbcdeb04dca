"""What model calls cost, from the price list of genai-prices (an extra); unknown without it."""

from __future__ import annotations

import functools
from typing import Any

from nbflow.ports.agents import Usage


def price(provider: str, model: str, usage: Usage) -> float | None:
    """US dollars of a call, or None when the model, or what it took, is not known."""
    if usage.input is None or usage.output is None:
        return None
    library = _library()
    if library is None:
        return None
    taken = library.Usage(input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cached)
    try:
        found = library.calc_price(taken, model_ref=model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


def near(provider: str, model: str) -> tuple[str, ...] | None:
    """For a model that the price list of its provider does not have: the names that it has. None for one that is
    there, and where there is no list of this provider.
    """
    library = _library()
    if library is None:
        return None
    try:
        library.calc_price(library.Usage(input_tokens=1, output_tokens=1), model_ref=model, provider_id=provider)
    except LookupError:
        from genai_prices.data_snapshot import get_snapshot

        listed = (one for one in get_snapshot().providers if one.id == provider)
        names = tuple(known.id for one in listed for known in one.models)
        return names or None
    except ValueError:  # it is listed, and its price depends on more
        return None
    return None


@functools.cache
def _library() -> Any:
    try:
        import genai_prices
    except ImportError:
        return None
    return genai_prices

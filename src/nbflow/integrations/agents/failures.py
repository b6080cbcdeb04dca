"""What an SDK raises, made anew as one of our kinds: no request, response, header or key hangs on it.

Both SDKs, and the HTTP library under them, name their exceptions alike; they are told apart by name and status,
so that this file imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.waits import retry_after

OVERLOADED = {529, "overloaded_error", "overloaded"}
RATE_LIMITED = {429, "rate_limit_error", "rate_limit_exceeded"}
NOT_ALLOWED = {401, 403, "authentication_error", "permission_error"}
NO_QUOTA = {402, "insufficient_quota", "billing_error"}
WRONG = {400, 404, 405, 409, 413, 422, "invalid_request_error", "not_found_error", "request_too_large"}


def remade(error: BaseException, provider: str) -> NodeError:
    """The failure of a model call, with a kind (`Timeout RateLimited Unavailable Refused InvalidInput`) and a code."""
    names = {cls.__name__ for cls in type(error).__mro__}
    ours = next((each for each in (error, error.__cause__, error.__context__) if isinstance(each, NodeError)), None)
    if ours is not None:
        return type(ours)(ours.kind, str(ours), code=ours.code, hint=ours.hint)
    if names & {"APITimeoutError", "TimeoutException"}:
        return NodeError("Timeout", f"{provider} did not answer in time", code="llm.timeout")
    status = getattr(error, "status_code", None)
    if status is not None or ("APIError" in names and "APIConnectionError" not in names):
        return _answered(error, status, provider)
    if "APIConnectionError" in names:
        return _unreachable(error, provider)
    if names & {"TransportError", "StreamError", "HTTPError"}:
        return cut_short(provider)
    if names & {"JSONDecodeError", "ValidationError", "UnicodeDecodeError"}:
        return NodeError("Unavailable", f"{provider} sent what is no answer of its protocol", code="llm.malformed")
    if names & {"OpenAIError", "AnthropicError"}:
        return NodeError("InvalidInput", f"{provider}: {_words(error)}", code="llm.client")
    return NodeError("Unavailable", f"{provider}: {type(error).__name__}: {_words(error)}", code="llm.failed")


def cut_short(provider: str) -> NodeError:
    """The stream ended before the reply did."""
    return NodeError("Unavailable", f"the reply of {provider} was cut short", code="llm.cut")


def remade_event(error: Mapping[str, Any], provider: str) -> NodeError:
    """The failure that an event of a stream tells of."""
    marks = {mark for name in ("type", "code") if isinstance(mark := error.get(name), str | int)}
    return _judged(marks, f"{provider}: {error.get('message') or 'the stream broke off with an error'}", {}, provider)


def _answered(error: BaseException, status: int | None, provider: str) -> NodeError:
    if "APIResponseValidationError" in {cls.__name__ for cls in type(error).__mro__}:
        return NodeError("Unavailable", f"{provider} sent what is no answer of its protocol", code="llm.malformed")
    shown = f" (HTTP {status})" if status and status != 200 else ""
    marks = _marks(error) | ({status} if status and status != 200 else set())
    return _judged(marks, f"{provider}: {_words(error)}{shown}", _headers(error), provider)


def _judged(marks: set[Any], message: str, headers: Mapping[str, str], provider: str) -> NodeError:
    if marks & NO_QUOTA:
        return NodeError("Refused", message, code="llm.quota")
    if marks & RATE_LIMITED:
        wait = retry_after(headers)
        asked = f"; it asks for a wait of {wait:g} s" if wait is not None else ""
        return NodeError("RateLimited", message + asked, code="llm.rate_limit", retry_after=wait)
    if marks & OVERLOADED:
        return NodeError("Unavailable", message, code="llm.overloaded", retry_after=retry_after(headers))
    if marks & NOT_ALLOWED:
        return NodeError("Refused", message, code="llm.key", hint=f"check the key of {provider}")
    if marks & WRONG:
        return NodeError("InvalidInput", message, code="llm.request")
    return NodeError("Unavailable", message, code="llm.unavailable", retry_after=retry_after(headers))


def _marks(error: BaseException) -> set[Any]:
    """The provider's own names of the error, from the exception and from its body."""
    marks = {getattr(error, "type", None), getattr(error, "code", None)}
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(inner, Mapping):
        marks |= {mark for name in ("type", "code") if isinstance(mark := inner.get(name), str | int)}
    return {mark for mark in marks if isinstance(mark, str | int)}


def _words(error: BaseException) -> str:
    """The provider's message, in one line."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    found = inner.get("message") if isinstance(inner, Mapping) else None
    text = found if isinstance(found, str) and found else str(error) or type(error).__name__
    text = " ".join(text.split())
    return text if len(text) <= 500 else text[:499] + "…"


def _unreachable(error: BaseException, provider: str) -> NodeError:
    cause = error.__cause__ or error.__context__
    if {cls.__name__ for cls in type(cause).__mro__} & {"ReadError", "RemoteProtocolError", "CloseError"}:
        return cut_short(provider)
    words = f": {' '.join(str(cause).split())[:200]}" if cause is not None and str(cause) else ""
    return NodeError("Unavailable", f"{provider} cannot be reached{words}", code="llm.connect")


def _headers(error: BaseException) -> Mapping[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None)
    return headers if isinstance(headers, Mapping) else {}

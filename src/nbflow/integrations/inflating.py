"""What undoes ``Content-Encoding``, a piece at a time: gzip, and deflate as it is sent, with a zlib head or bare.

How much may come out, and what a damaged body is called, is for those who read one.
"""

from __future__ import annotations

import zlib


class Inflater:
    """One body. `rest` is what of the last piece stays to be given again. `decompress` raises `zlib.error`."""

    def __init__(self, is_gzip: bool) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16 if is_gzip else zlib.MAX_WBITS)
        self._may_be_bare, self._began = not is_gzip, False

    @property
    def is_whole(self) -> bool:
        """Whether the end came, or nothing at all: what was not sent is not cut short."""
        return self._inner.eof or not self._began

    @property
    def rest(self) -> bytes:
        return self._inner.unconsumed_tail

    def decompress(self, piece: bytes, most: int) -> bytes:
        """What a piece holds, `most` bytes of it."""
        if piece and not self._began:
            self._began = True
            if self._may_be_bare and piece[0] & 0x0F != zlib.DEFLATED:
                self._inner = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        return self._inner.decompress(piece, most)

    def flush(self) -> bytes:
        return self._inner.flush() if self._began else b""


def inflater(encoding: str) -> Inflater | None:
    """None where nothing is packed. Raises `ValueError` for an encoding that is not known here."""
    if encoding in ("gzip", "x-gzip", "deflate"):
        return Inflater(encoding != "deflate")
    if encoding in ("", "identity"):
        return None
    raise ValueError(encoding)

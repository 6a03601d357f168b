"""SPDY/3.1 frames as values, as much of it as port forwarding uses.

Bytes in, frames out, and back; header blocks are compressed with one zlib stream per direction
that starts from the protocol's dictionary. Source: the SPDY/3.1 specification, 2.2 and 2.6.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS = 1, 2, 3, 4, 6, 7, 8
FIN = 0x01
# Source: RST_STREAM status codes, 2.6.3.
PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 1, 3, 5
FRAME_LIMIT_BYTES = 4 * 1024 * 1024
HEADERS_LIMIT_BYTES = 64 * 1024
_HEAD = struct.Struct(">II")
_WORD = struct.Struct(">I")


class SpdyError(Exception):
    """The other side does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; `fin` says that its sender sends no more."""

    stream: int
    payload: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """A control frame. `stream` is 0 where the kind has none, `headers` empty where it has none."""

    kind: int
    stream: int = 0
    fin: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: bytes = b""


Frame = Data | Control


class FrameReader:
    """Turns a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""
        self._headers = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. Raises `SpdyError`."""
        self._rest += data
        while len(self._rest) >= _HEAD.size:
            first, second = _HEAD.unpack_from(self._rest)
            size = second & 0xFFFFFF
            if size > FRAME_LIMIT_BYTES:
                raise SpdyError(f"a frame of {size} bytes")
            if len(self._rest) < _HEAD.size + size:
                return
            payload = self._rest[_HEAD.size : _HEAD.size + size]
            self._rest = self._rest[_HEAD.size + size :]
            yield self._frame(first, second >> 24, payload)

    def _frame(self, first: int, flags: int, payload: bytes) -> Frame:
        fin = bool(flags & FIN)
        if not first >> 31:
            return Data(first, payload, fin)
        version, kind = (first >> 16) & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"version {version} of SPDY")
        try:
            if kind == SYN_STREAM:
                return Control(kind, _stream(payload), fin, self._block(payload[10:]))
            if kind in (SYN_REPLY, HEADERS):
                return Control(kind, _stream(payload), fin, self._block(payload[4:]))
            if kind == RST_STREAM:
                return Control(kind, _stream(payload), payload=payload[4:])
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a control frame that cannot be read: {error}") from error
        return Control(kind, payload=payload)

    def _block(self, packed: bytes) -> dict[str, str]:
        """The names and values of a header block, names in lower case."""
        text = self._headers.decompress(packed, HEADERS_LIMIT_BYTES)
        if self._headers.unconsumed_tail:
            raise SpdyError("a header block that is too long")
        (count,), at = _WORD.unpack_from(text), _WORD.size
        words = []
        for _ in range(2 * count):
            (size,) = _WORD.unpack_from(text, at)
            at += _WORD.size
            words.append(text[at : at + size].decode())
            at += size
            if at > len(text):
                raise SpdyError("a header block that ends early")
        return {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=True)}


class FrameWriter:
    """Turns frames into bytes, in the order in which they are sent."""

    def __init__(self) -> None:
        self._headers = zlib.compressobj(zdict=DICTIONARY)

    def data(self, frame: Data) -> bytes:
        size = len(frame.payload)
        return _HEAD.pack(frame.stream, (FIN if frame.fin else 0) << 24 | size) + frame.payload

    def syn_stream(self, stream: int, headers: Mapping[str, str], *, fin: bool = False) -> bytes:
        # No associated stream, no priority, no slot.
        start = _HEAD.pack(stream, 0) + b"\0\0"
        return _control(SYN_STREAM, start + self._block(headers), FIN if fin else 0)

    def syn_reply(self, stream: int) -> bytes:
        return _control(SYN_REPLY, _WORD.pack(stream) + self._block({}))

    def rst_stream(self, stream: int, status: int) -> bytes:
        return _control(RST_STREAM, _HEAD.pack(stream, status))

    def ping(self, payload: bytes) -> bytes:
        return _control(PING, payload)

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [_WORD.pack(len(headers))]
        for name, value in headers.items():
            for word in (name.lower().encode(), value.encode()):
                parts += [_WORD.pack(len(word)), word]
        return self._headers.compress(b"".join(parts)) + self._headers.flush(zlib.Z_SYNC_FLUSH)


def _stream(payload: bytes) -> int:
    (word,) = _WORD.unpack_from(payload)
    return int(word) & 0x7FFFFFFF


def _control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    first = 1 << 31 | VERSION << 16 | kind
    return _HEAD.pack(first, flags << 24 | len(payload)) + payload


# The dictionary of the specification, 2.6.10.1: words with their lengths, then plain text.
_WORDS = (
    "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|"
    "accept-language|accept-ranges|age|allow|authorization|cache-control|connection|"
    "content-base|content-encoding|content-language|content-length|content-location|"
    "content-md5|content-range|content-type|date|etag|expect|expires|from|host|if-"
    "match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|"
    "location|max-forwards|pragma|proxy-authenticate|proxy-authorization|range|referer|"
    "retry-after|server|te|trailer|transfer-encoding|upgrade|user-agent|vary|via|"
    "warning|www-authenticate|method|get|status|200 OK|version|HTTP/1.1|url|public|"
    "set-cookie|keep-alive|origin"
)
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, "
    "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,"
    "deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(_WORD.pack(len(word)) + word.encode() for word in _WORDS.split("|")) + _TEXT.encode()
)

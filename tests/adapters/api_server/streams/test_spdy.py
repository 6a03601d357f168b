"""SPDY frames: what is written is read again, whatever the pieces it comes in."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.adapters.api_server.streams.spdy import (
    DICTIONARY,
    PING,
    RST_STREAM,
    SYN_REPLY,
    SYN_STREAM,
    Control,
    Data,
    FrameReader,
    FrameWriter,
    SpdyError,
)

WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
HEADERS = st.dictionaries(st.text("abc-xyz", min_size=1, max_size=12), WORDS, max_size=5)


def test_the_dictionary_is_the_specified_one() -> None:
    # zlib names a dictionary by its checksum; clients' streams carry this one.
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


@given(st.lists(HEADERS, min_size=1, max_size=4), st.binary(max_size=300), st.integers(1, 50))
def test_frames_are_read_as_they_were_written(
    blocks: list[dict[str, str]], payload: bytes, size: int
) -> None:
    writer, reader = FrameWriter(), FrameReader()
    sent = b"".join(writer.syn_stream(2 * n + 1, block) for n, block in enumerate(blocks))
    sent += writer.syn_reply(1) + writer.data(Data(1, payload)) + writer.data(Data(1, b"", True))
    sent += writer.rst_stream(3, 5) + writer.ping(b"\0\0\0\7")
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == [
        *(Control(SYN_STREAM, 2 * n + 1, headers=block) for n, block in enumerate(blocks)),
        Control(SYN_REPLY, 1),
        Data(1, payload),
        Data(1, b"", True),
        Control(RST_STREAM, 3, payload=b"\0\0\0\5"),
        Control(PING, payload=b"\0\0\0\7"),
    ]


@given(st.binary(min_size=8, max_size=200))
def test_nonsense_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    try:
        list(FrameReader().feed(data))
    except SpdyError as error:
        assert str(error)


def test_a_header_block_that_unpacks_to_megabytes_is_refused() -> None:
    bomb = FrameWriter().syn_stream(1, {"a": "x" * 10_000_000})
    with pytest.raises(SpdyError, match="too long"):
        list(FrameReader().feed(bomb))

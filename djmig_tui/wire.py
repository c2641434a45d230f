"""Framing: one JSON-RPC 2.0 message per line, read and written the same way at both ends.

The stream is newline-delimited JSON in ASCII (``ensure_ascii``), so that no encoding set by a
terminal, a container or a shell between the two processes can damage it.
"""

import json
from typing import Any, Dict, Union

#: The longest line that either side accepts, in bytes. A history of 5,000 migrations is about
#: 2 MB; a plan's SQL may be 10 MB. Anything past this is a runaway and is refused, not parsed.
MAX_LINE = 64 * 1024 * 1024

Message = Dict[str, Any]


class WireError(ValueError):
    """A line that is not one JSON object, or that is longer than `MAX_LINE`."""


def encode(message: Message) -> bytes:
    """Return `message` as one line of ASCII bytes, newline included.

    Lone surrogates (file names that are not UTF-8) survive as ``\\udcXX`` escapes.
    """
    line = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    if len(line) > MAX_LINE:
        raise WireError("A message of %d bytes is longer than the limit of %d." % (len(line), MAX_LINE))
    return line


def decode(line: Union[bytes, str]) -> Message:
    """Return the message on `line`, with or without its newline.

    Raises `WireError` if it is not one JSON object or is too long.
    """
    if len(line) > MAX_LINE:
        raise WireError("A line of %d bytes is longer than the limit of %d." % (len(line), MAX_LINE))
    try:
        message = json.loads(line)
    except ValueError as error:
        raise WireError("Not JSON: %s" % error) from error
    if not isinstance(message, dict):
        raise WireError("A message must be a JSON object, not %s." % type(message).__name__)
    return message

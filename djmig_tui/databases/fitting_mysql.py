"""Which values a column of MySQL or MariaDB takes as they are: a server that is not strict cuts the rest."""

import base64
import decimal
import re
from typing import Any, Callable, Dict, List, Optional

from ..catalogue import Column

#: Bytes of the integer types.
_INTEGERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "bigint": 8}
#: The most bytes of the types without a length.
_BYTES = {
    "tinytext": 2**8 - 1,
    "text": 2**16 - 1,
    "mediumtext": 2**24 - 1,
    "longtext": 2**32 - 1,
    "tinyblob": 2**8 - 1,
    "blob": 2**16 - 1,
    "mediumblob": 2**24 - 1,
    "longblob": 2**32 - 1,
}
_DECLARED = re.compile(r"\s*(\w+)\s*(?:\((\d+)(?:\s*,\s*(\d+))?\))?(.*)", re.DOTALL)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_MOMENTS = {"date": "DATE", "datetime": "DATETIME(%d)", "time": "TIME(%d)", "timestamp": "DATETIME(%d)"}


def fits(connection: Any, column: Column, text: str) -> bool:
    """Return whether `column` takes a kept value without changing it; True where only writing tells."""
    match = _DECLARED.match(column.type.lower())
    if match is None:
        return True
    name, rest = match[1], match[4]
    sizes = [int(size) for size in (match[2], match[3]) if size is not None]
    if name in _MOMENTS:
        return _is_moment(connection, _MOMENTS[name], sizes, text)
    if name in _BYTES:
        return _size(text) <= _BYTES[name]
    holds = _RULES.get(name)
    return holds is None or holds(text, name, sizes, rest)


def _is_moment(connection: Any, kind: str, sizes: List[int], text: str) -> bool:
    """Ask the server whether a text is a moment of that kind, all of its digits included."""
    if text[0] != "t":
        return False
    digits = sizes[0] if sizes else 0
    wanted = kind % digits if "%" in kind else kind
    finest = kind % 6 if "%" in kind else "DATETIME(6)"
    with connection.cursor() as cursor:
        as_text = "CAST(CAST(CAST(%%s AS %s) AS %s) AS CHAR)"
        sql = "SELECT %s, %s" % (as_text % (wanted, finest), as_text % (finest, finest))
        cursor.execute(sql, [text[1:], text[1:]])
        cut, whole = cursor.fetchone()
    return cut is not None and bool(cut == whole) and not str(whole).startswith("0000-00-00")


def _number(text: str) -> Optional[decimal.Decimal]:
    try:
        if text[0] == "f":
            return decimal.Decimal(float.fromhex(text[1:]))
        return decimal.Decimal(text[1:]) if text[0] in "nt" else None
    except decimal.InvalidOperation:
        return None


def _is_integer(text: str, name: str, sizes: List[int], rest: str) -> bool:
    number = _number(text)
    if number is None or not number.is_finite() or number != number.to_integral_value():
        return False
    bits = 8 * _INTEGERS[name]
    low, high = (0, 2**bits - 1) if "unsigned" in rest else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return bool(low <= number <= high)


def _is_decimal(text: str, name: str, sizes: List[int], rest: str) -> bool:
    number = _number(text)
    if number is None or not number.is_finite() or ("unsigned" in rest and number < 0):
        return False
    digits, places = (sizes + [10, 0][len(sizes) :])[:2]
    scaled = number.scaleb(places, decimal.Context(prec=200))
    return bool(scaled == scaled.to_integral_value() and abs(scaled) < 10**digits)


def _is_float(text: str, name: str, sizes: List[int], rest: str) -> bool:
    number = _number(text)
    return number is not None and number.is_finite()


def _is_text(text: str, name: str, sizes: List[int], rest: str) -> bool:
    return text[0] != "b" and (not sizes or len(text[1:]) <= sizes[0])


def _are_bytes(text: str, name: str, sizes: List[int], rest: str) -> bool:
    return not sizes or _size(text) <= sizes[0]


def _is_uuid(text: str, name: str, sizes: List[int], rest: str) -> bool:
    return text[0] == "t" and _UUID.fullmatch(text[1:]) is not None


def _size(text: str) -> int:
    return len(base64.b64decode(text[1:]) if text[0] == "b" else text[1:].encode("utf-8"))


_Rule = Callable[[str, str, List[int], str], bool]
_RULES: Dict[str, _Rule] = {
    **dict.fromkeys(_INTEGERS, _is_integer),
    **dict.fromkeys(("decimal", "numeric"), _is_decimal),
    **dict.fromkeys(("float", "double", "real"), _is_float),
    **dict.fromkeys(("char", "varchar"), _is_text),
    **dict.fromkeys(("binary", "varbinary"), _are_bytes),
    "uuid": _is_uuid,
}

"""What becomes of the values of a column when its field is altered, by vendor.

The rules are those of Django's schema editors (django/db/backends/*/schema.py, `_alter_field`) and
of the databases' own casts. What is not covered here is not understood, and says so.
"""

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import NOT_PROVIDED

LOSES = "loses"
FAILS = "fails"
UNKNOWN = "unknown"
KEEPS = "keeps"

#: Internal type → lowest and highest value. Auto fields hold the same.
RANGES = {
    "SmallIntegerField": (-(2**15), 2**15 - 1),
    "PositiveSmallIntegerField": (0, 2**15 - 1),
    "SmallAutoField": (-(2**15), 2**15 - 1),
    "IntegerField": (-(2**31), 2**31 - 1),
    "PositiveIntegerField": (0, 2**31 - 1),
    "AutoField": (-(2**31), 2**31 - 1),
    "BigIntegerField": (-(2**63), 2**63 - 1),
    "PositiveBigIntegerField": (0, 2**63 - 1),
    "BigAutoField": (-(2**63), 2**63 - 1),
}
CHARACTERS = {"CharField", "SlugField", "TextField", "FileField", "FilePathField"}


@dataclass(frozen=True)
class Consequence:
    """Rows for which something happens: a condition over the column, written as {c}, and a sentence."""

    what: str  # LOSES, FAILS, UNKNOWN, or KEEPS: worth knowing, harms nothing
    condition: str = ""
    params: Tuple[Any, ...] = ()
    sentence: str = ""
    #: What LOSES makes of such a value, over {c}, with its parameters; "" where only the database knows.
    becomes: str = ""
    filling: Tuple[Any, ...] = ()


def bound(field: Any, name: str) -> Any:
    """Return a copy of `field` that knows its name, as fields of a ModelState do not."""
    copy = field.clone()
    copy.set_attributes_from_name(name)
    return copy


def effective_default(field: Any) -> Any:
    """Return what Django fills existing rows with, as the database gets it; None for NULL."""
    if isinstance(field, models.ForeignKey) and field.has_default():
        # Django would look at the model that it points at, which has no class in a bare state.
        return field.default() if callable(field.default) else field.default
    editor: Any = BaseDatabaseSchemaEditor
    return editor._effective_default(field)


def prepared(field: Any, value: Any, connection: Any) -> Any:
    """Return `value` of `field` as the database gets it; that of a key as it is: its model is another."""
    if isinstance(field, models.ForeignKey):
        return value
    return field.get_db_prep_save(value, connection)


def database_default(field: Any) -> bool:
    """Return whether the database itself fills the column (db_default, generated)."""
    return (
        getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
        or getattr(field, "generated", False) is True
    )


def null_fill(field: Any, connection: Any) -> Tuple[bool, Any]:
    """Return whether NULLs are filled when a column becomes NOT NULL, and with what.

    SQLite's table copy coalesces with the effective default, so a blank character field turns
    NULL into ""; elsewhere only a default that the field has itself is used.
    """
    if database_default(field):
        return True, NOT_PROVIDED
    if connection.vendor != "sqlite" and not field.has_default():
        return False, None
    default = effective_default(field)
    if default is None:
        return False, None
    return True, prepared(field, default, connection)


def consequences(old: Any, new: Any, name: str, connection: Any) -> List[Consequence]:
    """Return what altering `old` into `new` does to the values that are there."""
    found: List[Consequence] = []
    if old.null and not new.null:
        filled, value = null_fill(new, connection)
        if filled:
            words = "the database's default" if value is NOT_PROVIDED else str(value) or "empty text"
            filling = ("", ()) if value is NOT_PROVIDED else ("%s", (value,))
            found.append(Consequence(LOSES, "{c} IS NULL", (), "NULL becomes %s" % words, *filling))
        elif connection.vendor == "mysql" and not strict(connection):
            found.append(Consequence(LOSES, "{c} IS NULL", (), "NULL becomes the type's empty value"))
        else:
            found.append(Consequence(FAILS, "{c} IS NULL", (), "NULL where NOT NULL returns"))
    if _reference(old) or _reference(new):
        found.extend(_references(old, new))
    else:
        found.extend(_types(bound(old, name), bound(new, name), connection))
    return found


def strict(connection: Any) -> bool:
    """Return whether this MySQL or MariaDB refuses values that do not fit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.sql_mode")
        modes = str(cursor.fetchone()[0]).split(",")
    return "STRICT_TRANS_TABLES" in modes or "STRICT_ALL_TABLES" in modes


def _reference(field: Any) -> bool:
    return isinstance(field, models.ForeignKey)


def _references(old: Any, new: Any) -> List[Consequence]:
    if _reference(old) and _reference(new):
        same = old.remote_field.model == new.remote_field.model
        same = same and old.remote_field.field_name == new.remote_field.field_name
        if same and (old.db_constraint or not new.db_constraint):
            return []
    return [Consequence(UNKNOWN, sentence="what the foreign key points to changes")]


def _types(old: Any, new: Any, connection: Any) -> List[Consequence]:
    before, after = old.db_type(connection), new.db_type(connection)
    checks = _new_check(old, new, connection)
    if before == after:
        return checks + _collation(old, new)
    kinds = old.get_internal_type(), new.get_internal_type()
    if connection.vendor == "sqlite":
        return checks + _collation(old, new) + _sqlite(kinds) + _kept(old, new)
    if kinds[0] in CHARACTERS and kinds[1] in CHARACTERS:
        return checks + _collation(old, new) + _characters(old, new, connection)
    if kinds[0] in RANGES and kinds[1] in RANGES:
        return checks + _integers(kinds[0], kinds[1], connection)
    if kinds == ("DecimalField", "DecimalField"):
        return checks + _decimals(old, new, connection)
    if kinds[0] in RANGES and kinds[1] in CHARACTERS and connection.vendor == "postgresql":
        return checks + _integers_as_text(new)
    if kinds[0] in {"CharField", "TextField", "SlugField"} and kinds[1] in RANGES:
        return checks + _text_as_integers(kinds[1], connection)
    return [*checks, Consequence(UNKNOWN, sentence="%s becomes %s" % (before, after))]


def _collation(old: Any, new: Any) -> List[Consequence]:
    if getattr(old, "db_collation", None) == getattr(new, "db_collation", None):
        return []
    return [Consequence(UNKNOWN, sentence="the collation changes")]


def _new_check(old: Any, new: Any, connection: Any) -> List[Consequence]:
    """Return the check that a column type brings along, such as that of PositiveIntegerField."""
    check = new.db_check(connection)
    if not check or check == old.db_check(connection):
        return []
    condition = "NOT (%s)" % check.replace(connection.ops.quote_name(new.column), "{c}")
    return [Consequence(FAILS, condition, (), "values that the returning check refuses")]


def _sqlite(kinds: Tuple[str, str]) -> List[Consequence]:
    """SQLite neither fails nor cuts: a column's type is an affinity. Only some pairs rewrite values."""
    if kinds[1] in CHARACTERS or (kinds[0] in RANGES and kinds[1] in RANGES):
        return []
    if kinds[0] == kinds[1] == "DecimalField":
        return []
    if kinds[0] in CHARACTERS and kinds[1] in RANGES:
        words = "text that is not written as a whole number is kept as it is, or becomes another number"
        return [Consequence(LOSES, "CAST(CAST({c} AS INTEGER) AS TEXT) <> {c}", (), words)]
    return [Consequence(UNKNOWN, sentence="%s becomes %s" % kinds)]


def _kept(old: Any, new: Any) -> List[Consequence]:
    """Say that SQLite keeps what the narrower type would not hold."""
    kinds = old.get_internal_type(), new.get_internal_type()
    longest, shortest = _length(old) if kinds[0] in CHARACTERS else None, None
    if kinds[1] in CHARACTERS and kinds[0] in CHARACTERS:
        shortest = _length(new)
    narrower = shortest is not None and (longest is None or longest > shortest)
    if kinds[0] in RANGES and kinds[1] in RANGES:
        narrower = RANGES[new.get_internal_type()][1] < RANGES[old.get_internal_type()][1]
    if kinds == ("DecimalField", "DecimalField"):
        narrower = (new.max_digits or 0) < (old.max_digits or 0)
    if not narrower:
        return []
    return [Consequence(KEEPS, sentence="SQLite keeps values that the narrower type would not hold")]


def _length(field: Any) -> Optional[int]:
    if field.get_internal_type() == "TextField":
        return None
    return field.max_length if field.max_length is not None else None


def _characters(old: Any, new: Any, connection: Any) -> List[Consequence]:
    longest = _length(new)
    if longest is None:
        return []
    cut = ("left({c}, %s)", (longest,))
    if connection.vendor == "postgresql":
        if _casts(old, new, connection):  # an explicit cast cuts without a word
            condition = "char_length({c}) > %s"
            return [Consequence(LOSES, condition, (longest,), "cut to %d characters" % longest, *cut)]
        return [
            Consequence(
                FAILS,
                "char_length(rtrim({c}, ' ')) > %s",
                (longest,),
                "longer than %d characters" % longest,
            ),
            Consequence(
                LOSES,
                "char_length({c}) > %s AND char_length(rtrim({c}, ' ')) <= %s",
                (longest, longest),
                "spaces at the end are cut",
                *cut,
            ),
        ]
    too_long = "char_length(rtrim({c})) > %s"
    what = FAILS if strict(connection) else LOSES
    return [
        Consequence(what, too_long, (longest,), "longer than %d characters" % longest, *cut),
        Consequence(
            LOSES,
            "char_length({c}) > %s AND char_length(rtrim({c})) <= %s",
            (longest, longest),
            "spaces at the end are cut",
            *cut,
        ),
    ]


def _casts(old: Any, new: Any, connection: Any) -> bool:
    """Return whether PostgreSQL's editor writes USING: then it is an explicit cast."""
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    data_type = getattr(editor, "_field_data_type", None)
    return data_type is None or bool(data_type(old) != data_type(new))


def _integers(old: str, new: str, connection: Any) -> List[Consequence]:
    (lowest, highest), (low, high) = (connection.ops.integer_field_range(each) for each in (old, new))
    if lowest >= low and highest <= high:
        return []
    what = LOSES if connection.vendor == "mysql" and not strict(connection) else FAILS
    condition = "{c} < %s OR {c} > %s"
    return [Consequence(what, condition, (low, high), "outside of %d to %d" % (low, high))]


def _decimals(old: Any, new: Any, connection: Any) -> List[Consequence]:
    if new.max_digits is None or new.decimal_places is None:
        return []
    limit = 10 ** (new.max_digits - new.decimal_places)
    what = LOSES if connection.vendor == "mysql" and not strict(connection) else FAILS
    overflow = "abs(round({c}, %d)) >= %d" % (new.decimal_places, limit)
    found = [Consequence(what, overflow, (), "%d or more" % limit)]
    if old.decimal_places is None or old.decimal_places > new.decimal_places:
        becomes = "round({c}, %d)" % new.decimal_places
        rounded = "%s <> {c} AND NOT (%s)" % (becomes, overflow)
        found.append(Consequence(LOSES, rounded, (), "rounded to %d places" % new.decimal_places, becomes))
    return found


def _integers_as_text(new: Any) -> List[Consequence]:
    longest = _length(new)
    if longest is None:
        return []
    condition = "char_length({c}::text) > %s"
    return [Consequence(LOSES, condition, (longest,), "cut to %d characters" % longest)]


def _text_as_integers(new: str, connection: Any) -> List[Consequence]:
    low, high = RANGES[new]
    if connection.vendor == "postgresql":
        number = r"{c} ~ '^\s*[+-]?[0-9]+\s*$'"
        plain = r"btrim({c}, E' \t\n\r\f\x0b')::numeric"
        condition = (
            "CASE WHEN " + number + " THEN " + plain + " NOT BETWEEN %s AND %s ELSE {c} IS NOT NULL END"
        )
        otherwise = "CASE WHEN " + number + " THEN {c} <> %s::text ELSE FALSE END" % plain
        return [
            Consequence(FAILS, condition, (low, high), "not a number of the old type"),
            Consequence(LOSES, otherwise, (), "zeros in front, signs and spaces go", plain),
        ]
    return [Consequence(UNKNOWN, sentence="text becomes %s" % new)]

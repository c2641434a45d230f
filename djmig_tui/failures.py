"""What failed, said in the first error's own words, and the operation that it happened in."""

import traceback
from typing import Any, Iterator, Optional

from .errors import first_error

#: Where Django's executor goes through the operations of a migration, and the names it gives them.
_MIGRATION = "django.db.migrations.migration"
#: Longer words of an error are cut here; the traceback has them all.
LONGEST = 1000
_SEPARATE = "django.db.migrations.operations.special"


def sentence(error: BaseException) -> str:
    """Return the first error of the chain on one line, by the name that Django users know it by."""
    first = first_error(error)
    words = " ".join(str(first).split()) or "no message"
    if len(words) > LONGEST:
        words = words[:LONGEST] + "…"
    return "%s: %s" % (type(first).__name__, words)


def detail(error: BaseException) -> str:
    """Return the whole traceback."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def failed_operation(error: BaseException) -> Optional[str]:
    """Return the description of the operation in which `error` began, None if it was in none."""
    found: Any = None
    for each in chain(error):
        for frame, _line in traceback.walk_tb(each.__traceback__):
            module = frame.f_globals.get("__name__")
            if module == _MIGRATION and frame.f_code.co_name in {"apply", "unapply"}:
                found = frame.f_locals.get("operation") or found
            elif module == _SEPARATE and "database_operation" in frame.f_locals:
                found = frame.f_locals["database_operation"]
    return None if found is None else str(found.describe())


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and all that led to it, the last one first."""
    seen = set()
    each: Optional[BaseException] = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__

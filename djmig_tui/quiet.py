"""Keeps a rehearsal inside its database: no mail, no hooks, and no writing on any other connection."""

import contextlib
import re
from typing import Any, Iterator, List

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from . import databases

_BACKENDS = ["django.core.mail.backends.%s.EmailBackend" % name for name in ("smtp", "console", "filebased")]
DUMMY = "django.core.mail.backends.dummy.EmailBackend"
#: What could make a read-only session writable again, on any vendor.
_LIFTS = re.compile(
    r"(?:^|;)\s*(?:set|begin|start|pragma)\b[^;]*?(?:read_only|read\s+write|query_only)"
    r"|(?:^|;)\s*(?:reset\s+(?:all|\w*read_only)|discard\s+all)\b"
    r"|set_config\s*\([^)]*read_only",
    re.IGNORECASE,
)


class OutsideWrite(Exception):
    """Code of a rehearsed plan wanted to write where nothing could be taken back."""


def keep_read_only(connection: Any) -> None:
    """Make `connection` read-only so that code of the project cannot make it writable again."""
    databases.make_read_only(connection)
    if connection.vendor == "sqlite":
        from .databases.trial_sqlite import deny

        deny(connection, set())
    connection.execute_wrappers.append(_refuse_to_lift)


def _refuse_to_lift(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
    if isinstance(sql, str) and _LIFTS.search(sql):
        raise OutsideWrite(
            "During a rehearsal the database %r may only be read: %.200s" % (context["connection"].alias, sql)
        )
    return execute(sql, params, many, context)


@contextlib.contextmanager
def outside_world() -> Iterator[None]:
    """Have mail go nowhere and drop what is to happen on commit; the rest cannot be held."""
    kept: List[Any] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    try:
        replace(BaseDatabaseWrapper, "on_commit", _drop)
        if not _mailers():
            replace(settings, "EMAIL_BACKEND", DUMMY)
        for backend in _backends():
            for name in ("send_messages", "open"):
                if name in vars(backend):
                    replace(backend, name, _send_nothing)
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)


def _mailers() -> List[str]:
    """Return the backends of the setting that replaces EMAIL_BACKEND from Django 6.1 on."""
    return [str(each.get("BACKEND", "")) for each in (getattr(settings, "MAILERS", None) or {}).values()]


def _backends() -> List[Any]:
    """Return every mail backend that code can come by: it may name one without asking the settings."""
    for name in (*_BACKENDS, *_mailers()):
        with contextlib.suppress(ImportError):  # who wants to use that one will be told
            import_string(name)
    found: List[Any] = []
    classes = [BaseEmailBackend]
    while classes:
        backend = classes.pop()
        classes.extend(backend.__subclasses__())
        if backend not in found and backend is not BaseEmailBackend:
            found.append(backend)
    return found


def _send_nothing(self: Any, email_messages: Any = ()) -> int:
    return len(list(email_messages or ()))


def _drop(self: Any, func: Any, robust: bool = False) -> None:
    """Stand in for `on_commit`: what is rehearsed is never committed."""

"""What the engine refuses or fails at, each as a sentence that names the next step."""


class EngineError(Exception):
    """Anything below; ``str(error)`` is for the user, `detail` is folded away behind it."""

    def __init__(self, sentence: str, detail: str = "", kind: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail
        self.kind = kind


class Refusal(EngineError):
    """We will not do it; the sentence says what to do instead."""


class StaleError(EngineError):
    """What was shown is not how things are any more; nothing was done."""


class FailedError(EngineError):
    """Django or the database failed; the sentence is the first error of the chain."""


class NoCopy(Exception):
    """No copy of a database can be made; as text a clause that says why."""


def first_error(error: BaseException) -> BaseException:
    """Return the error that made us leave, where one that was raised on the way out hides it.

    Leaving Django's schema editor or an atomic block can fail in its turn: SQLite's editor raises
    TransactionManagementError and hides what reverse_code raised (django/db/backends/sqlite3/schema.py,
    ``__exit__``). An error that code raises while it handles another one is left alone: only the
    IntegrityError of a get_or_create says what is wrong, not the DoesNotExist that came before it.
    """
    seen = {id(error)}
    while _raised_on_the_way_out(error):
        hidden = error.__context__
        if type(error).__module__ == "django.db.utils" and hidden is error.__cause__ and hidden is not None:
            hidden = hidden.__context__  # the driver's own error, of which this is Django's version
        if hidden is None or id(hidden) in seen:
            break
        seen.add(id(hidden))
        error = hidden
    return error


def _raised_on_the_way_out(error: BaseException) -> bool:
    entry = error.__traceback__
    while entry is not None:
        module = str(entry.tb_frame.f_globals.get("__name__"))
        # django.db.utils wraps the errors of drivers in an __exit__: that is how all of them are raised.
        if (
            entry.tb_frame.f_code.co_name == "__exit__"
            and module.startswith("django.db.")
            and module != "django.db.utils"
        ):
            return True
        entry = entry.tb_next
    return False

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


def first_error(error: BaseException) -> BaseException:
    """Return the error that started the chain of `error`.

    Django's SQLite schema editor raises TransactionManagementError on its way out and hides
    what reverse_code raised (django/db/backends/sqlite3/schema.py, ``__exit__``).
    """
    seen = {id(error)}
    while True:
        earlier = error.__cause__ or error.__context__
        if earlier is None or id(earlier) in seen:
            return error
        seen.add(id(earlier))
        error = earlier

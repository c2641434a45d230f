"""`djmig-tui verify`: where the real schema disagrees with the records."""

from __future__ import annotations

from collections.abc import Iterator

from djmig_tui.protocol import HalfDone, OperationPlace, Verification, VerifySchema, to_wire

from ..text import count, sentence
from .answer import DONE, FAILED, Answer, CommandError, lines
from .names import find_app
from .session import Session, database_problem


async def verify_schema(session: Session) -> Answer:
    """Answer with the differences; that there are any is the command's error."""
    options = session.options
    await session.project()
    app = None
    if options.app is not None:
        history = await session.history()
        problem = database_problem(history)
        if problem:
            raise CommandError(problem)
        app = find_app(history, options.app).label
    request = VerifySchema(options.database, app)
    verification = await session.engine.verify_schema(request, session.on_progress)
    error = _error(verification)
    data: dict[str, object] = {**to_wire(verification), "error": error}
    return Answer(data, _text(verification), error, code=FAILED if error else DONE)


def _error(verification: Verification) -> str | None:
    differences, half_done = verification.differences, verification.half_done
    if not differences and not half_done:
        return None
    parts = []
    if half_done:
        parts.append(count(len(half_done), "half-done migration"))
    if differences:
        parts.append(count(len(differences), "difference"))
    return f"The schema of {verification.database} does not agree with the records: {', '.join(parts)}."


def _text(verification: Verification) -> str:
    agree = not verification.differences and not verification.half_done
    looked = count(verification.checked, "table")
    return lines(
        f"{looked} looked at{': schema and records agree.' if agree else '.'}",
        *(sentence(each.message) for each in verification.differences),
        *(line for each in verification.half_done for line in _half_done(each)),
        *(f"Not told for sure: {sentence(each)}" for each in verification.not_checked),
    )


def _half_done(half_done: HalfDone) -> Iterator[str]:
    yield ""
    yield sentence(half_done.message)
    for operation in half_done.operations:
        note = f" ({operation.note})" if operation.note else ""
        yield f"  {_mark(operation)} {operation.description}{note}"
    for words, text in (("finish", half_done.finish), ("undo", half_done.undo)):
        if text:
            yield f"To {words} it:"
            yield from (f"  {line}" for line in text.strip().splitlines())


def _mark(operation: OperationPlace) -> str:
    return {True: "[x]", False: "[ ]", None: "[?]"}[operation.done]

"""How a run ended, in words: what stands, what was taken back, what to do next."""

from typing import Any, List, Tuple

from . import databases
from .errors import EngineError
from .loading import Key
from .notes import CLEAN_UP, leaves_content_types
from .protocol import RunFinished, StepDone
from .records import read_records
from .sessions import blocked_sentence


def finished(run: Any, seconds: float) -> RunFinished:
    """Return how `run` ended, with the truth read from the records where they can be read."""
    done, untold = _standing(run)
    if run.error is not None and run.one_transaction and len(done) == len(run.route.keys):
        # The connection broke after the database had committed and before we heard of it.
        run.error, run.post_migrate_error, run.committed = None, run.error, True
    failed = run.under_way if run.error is not None else None
    return RunFinished(
        done=tuple(StepDone(*key) for key in done),
        error=_error(run, failed),
        detail=run.detail,
        failed_step=None if failed is None else StepDone(failed.app_label, failed.name),
        failed_operation=run.operation,
        half_done=_half_done(run),
        stopped=run.stopped,
        taken_back=_ended_early(run) and run.one_transaction and not done and not untold,
        untold=untold,
        reached=tuple(StepDone(*key) for key in _committed(run)),
        post_migrate_error=run.post_migrate_error,
        next_steps=tuple(_next_steps(run, done, untold)),
        seconds=seconds,
        blocked_by=run.blocked_by,
    )


def _ended_early(run: Any) -> bool:
    return run.error is not None or bool(run.stopped)


def _error(run: Any, failed: Any) -> Any:
    error = run.error if failed is None else "%s: %s" % (failed, run.error)
    if error is not None and run.blocked_by:
        return "%s. %s" % (error.rstrip("."), blocked_sentence(run.blocked_by))
    return error


def _standing(run: Any) -> Tuple[List[Key], bool]:
    """Return what stands, and whether an end came too early that nobody could look at."""
    try:
        databases.refuse_missing(run.connection.alias)
        records = read_records(run.connection.alias)
    except EngineError:  # the database went away: what was committed is what we know
        return _committed(run), _ended_early(run)
    standing = [
        (migration.app_label, migration.name)
        for migration, _ in run.route.pairs
        if is_recorded(migration, records) != run.backwards
    ]
    return standing, False


def _committed(run: Any) -> List[Key]:
    """Return what is known to have been committed, whatever others did since."""
    return [] if run.one_transaction and not run.committed else list(run.reached)


def is_recorded(migration: Any, records: Any) -> bool:
    """Return whether `migration` is applied; a squash is if all that it replaces is (EDGES 24)."""
    if migration.replaces:
        return all(tuple(each) in records for each in migration.replaces)
    return (migration.app_label, migration.name) in records


def _next_steps(run: Any, done: List[Key], untold: bool) -> List[str]:
    if _ended_early(run):
        return [" ".join(_where_it_stands(run, done, untold))]
    if not run.route.pairs:
        return []
    restart = "Restart what runs on this database (runserver, workers)."
    if not run.backwards:
        return [restart]
    names = ", ".join("%s.%s" % key for key in done)
    return [
        "The code is ahead of the database: edit the models, or check out the code that fits.",
        "Remove the files you do not want any more: %s." % names,
        "Make them again: python manage.py makemigrations.",
        *(_clean_up(run)),
        restart,
    ]


def _clean_up(run: Any) -> List[str]:
    """Return what is left behind once the models are gone from the code too (EDGES 27)."""
    if not leaves_content_types(run.impact):
        return []
    return ["When the models are gone from the code too, remove their content types: %s." % CLEAN_UP]


def _where_it_stands(run: Any, done: List[Key], untold: bool) -> List[str]:
    """Return where it stands and what to do: no word of "nothing" where something may stand."""
    half = _half_done(run)
    sentences = []
    if done:
        sentences.append("%d of %d steps stand." % (len(done), len(run.route.pairs)))
    elif untold:
        sentences.append("The records cannot be read: look what stands once the database answers.")
    elif not half:
        sentences.append("Nothing was changed.")
    if half:
        sentences.append(
            "What %s did before it failed stays done, and it is still recorded as %s:"
            " compare its tables with the records before you go on."
            % (run.under_way, "applied" if run.backwards else "not applied")
        )
    if run.blocked_by:
        sentences.append("Wait until the other session has ended its transaction, or end it.")
    elif run.error is not None:
        sentences.append("Mend the cause, then look at the plan again.")
    if done:
        where = "migrate forward again to where it was" if run.backwards else "undo what stands"
        sentences.append("Go on from here, or %s." % where)
    return sentences


def _half_done(run: Any) -> bool:
    """Return whether a step failed that the database did not take back by itself."""
    if run.error is None or run.under_way is None:
        return False
    rolls_back = run.one_transaction or bool(run.under_way.atomic)
    return not (rolls_back and bool(run.connection.features.can_rollback_ddl))

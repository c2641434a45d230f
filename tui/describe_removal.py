"""What a removal leaves of an app's files, in sentences: for the screen before it, and for scripts."""

from __future__ import annotations

from collections.abc import Iterable

from djmig_tui.protocol import Remaining

from .text import count, one_line


def after(remaining: Iterable[Remaining], *, merge: str = "makemigrations --merge joins") -> list[str]:
    """Return what is there afterwards; `merge` is what joins heads, and its verb."""
    return [
        sentence for one in remaining for sentence in (_heads(one, merge), _max_migration(one)) if sentence
    ]


def next_step(remaining: Iterable[Remaining]) -> str:
    """Return what to do in the interface once the files are gone."""
    forked = [one_line(one.app) for one in remaining if one.heads[1:]]
    if forked:
        return f"Next: M merges the heads of {', '.join(forked)}."
    return "Next: edit the models, then makemigrations."


def _heads(one: Remaining, merge: str) -> str:
    app, names = one_line(one.app), [one_line(name) for name in one.heads]
    if not names:
        return f"{app}: no migration is left; makemigrations begins again with {one.next_number}."
    if not names[1:]:
        return f"{app}: {names[0]} is the latest then; makemigrations goes on with {one.next_number}."
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{app}: {count(len(names), 'head')} are left, {listed}: {merge} them as {one.next_number}."


def _max_migration(one: Remaining) -> str:
    if one.max_migration is None:
        return ""
    file, says = f"{one_line(one.app)}: max_migration.txt", one_line(one.max_migration, 200)
    if one.max_migration in one.heads:
        return f"{file} says {says} then."
    return f"{file} is left as it is: it says {says or 'nothing'}, which is no head then."

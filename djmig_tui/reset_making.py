"""Making the migrations of apps anew by the project's own makemigrations, after their files have gone."""

import contextlib
import io
import os
from typing import Any, Iterator, List, Sequence, Set, Tuple

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations.graph import MigrationGraph

from . import databases
from .errors import FailedError, Refusal
from .loading import Folder, migration_names, scan_folders
from .protocol import MakeMigrations, MigrationsMade
from .reset_blockers import why_not_here


def make_migrations(session: Any, request: MakeMigrations, call: Any) -> MigrationsMade:
    """Run makemigrations for `apps`, none of which may have a migration file, and say what it wrote.

    Raises `Refusal` where a reset is not allowed or files are left, `FailedError` with what the
    command printed. The process must not go on afterwards: it knows the files as they were.
    """
    databases.check_alias(request.database)
    reasons = why_not_here(session, [request.database])
    if reasons:
        raise Refusal(" ".join(sentence for sentence, _ in reasons))
    folders = [folder for folder in scan_folders() if folder.label in request.apps]
    left = ["%s.%s" % (folder.label, folder.names[0]) for folder in folders if folder.names]
    if left or len(folders) != len(set(request.apps)):
        raise Refusal(
            "There still is %s: its file goes first." % left[0] if left else "There is no such app."
        )
    session.finished = True
    output = io.StringIO()
    with without(set(request.apps)):
        _run(request.apps, output)
    made = list(_made(folders))
    return MigrationsMade(
        keys=tuple(key for key, _ in made),
        paths=tuple(path for _, path in made),
        output=output.getvalue(),
    )


def _run(labels: Sequence[str], output: Any) -> None:
    try:
        call_command("makemigrations", *labels, interactive=False, verbosity=1, stdout=output, stderr=output)
    except (CommandError, SystemExit) as error:
        words = str(error) if isinstance(error, CommandError) else ""
        printed = output.getvalue().strip()
        sentence = words or (printed.splitlines() or ["it asks something, and nobody is there to answer"])[-1]
        raise FailedError("makemigrations failed: %s" % sentence, printed) from error


def _made(folders: Sequence[Folder]) -> Iterator[Tuple[str, str]]:
    for folder in folders:
        for name in sorted(migration_names(folder.path or "")):
            yield "%s.%s" % (folder.label, name), os.path.join(folder.path or "", name + ".py")


@contextlib.contextmanager
def without(labels: Set[str]) -> Iterator[None]:
    """Let graphs be built in which files of other apps depend on what is not there yet.

    Django fails in `MigrationGraph.validate_consistency` (NodeNotFoundError) before makemigrations
    could make it: an app that others depend on could never be made anew.
    """
    original = MigrationGraph.validate_consistency

    def validate(graph: Any) -> None:
        _forget_missing(graph, labels)
        original(graph)

    MigrationGraph.validate_consistency = validate  # type: ignore[assignment, method-assign, unused-ignore]
    try:
        yield
    finally:
        MigrationGraph.validate_consistency = original  # type: ignore[assignment, method-assign, unused-ignore]


def _forget_missing(graph: Any, labels: Set[str]) -> None:
    missing: List[Any] = [key for key in graph.node_map if key[0] in labels and graph.nodes.get(key) is None]
    for key in missing:
        node = graph.node_map.pop(key)
        graph.nodes.pop(key, None)
        for child in node.children:
            child.parents.discard(node)

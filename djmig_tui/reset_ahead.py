"""What makemigrations would make once the files of a reset are gone: asked before the first one goes."""

from dataclasses import replace
from typing import Any, Dict, List, Set

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from .loading import Disk, Key, Loader
from .reset_making import without
from .sql import graph_sentence


def why_not_made(disk: Disk, labels: Set[str]) -> Dict[str, str]:
    """Return why makemigrations would not make these apps anew, and them alone; each with a way out."""
    broken = sorted(key for key in disk.broken if key[0] not in labels)
    if broken:
        return {
            "%s.%s cannot be read, so makemigrations would fail: %s"
            % (*broken[0], disk.broken[broken[0]].message): "Mend that file first."
        }
    try:
        found = _others(disk, labels)
    except Exception as error:  # noqa: BLE001 -- a hole, a circle, a dependency on nowhere: Django raises many
        return {"makemigrations would fail. %s" % graph_sentence(error): ""}
    return {
        "makemigrations %s would also write a migration of %s, whose models are not what its migrations make."
        % (" ".join(sorted(labels)), label): "Make that one first: python manage.py makemigrations %s" % label
        for label in found
    }


def _others(disk: Disk, labels: Set[str]) -> List[str]:
    """Return the other apps for which makemigrations would write something too."""
    left: Dict[Key, Any] = {key: one for key, one in disk.migrations.items() if key[0] not in labels}
    with without(labels):
        loader = Loader(None, replace(disk, migrations=left), replace=True)
        detector = MigrationAutodetector(
            loader.project_state(),
            ProjectState.from_apps(apps),
            MigrationQuestioner({"ask_initial": True}, specified_apps=labels),
        )
        changes = detector.changes(graph=loader.graph, trim_to_apps=labels, convert_apps=labels)
    return sorted(set(changes) - labels)

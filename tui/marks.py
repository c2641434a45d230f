"""What is marked to be removed together: always a tail, so that nothing that is left needs one of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from djmig_tui.protocol import History, MigrationFile


class Marks:
    """Names of migrations, "app.name", each with the names of all that need it."""

    def __init__(self) -> None:
        self._needed_by: dict[str, frozenset[str]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._needed_by

    def __iter__(self) -> Iterator[str]:
        return iter(self._needed_by)

    def __len__(self) -> int:
        return len(self._needed_by)

    def add(self, files: Iterable[MigrationFile]) -> None:
        """Mark migrations. All that need one of them are among them, or marked already."""
        for file in files:
            self._needed_by[f"{file.app}.{file.name}"] = frozenset(file.needed_by)

    def drop(self, key: str) -> None:
        """Unmark a migration and what it needs: what it needs cannot go while it stays."""
        for each, needed_by in list(self._needed_by.items()):
            if each == key or key in needed_by:
                del self._needed_by[each]

    def clear(self) -> None:
        """Unmark everything."""
        self._needed_by.clear()

    def keep(self, history: History) -> None:
        """Unmark what is gone by now, and what is applied by now with all that it needs."""
        applied = {
            f"{app.label}.{one.name}": one.applied
            for app in history.apps
            for one in app.migrations
            if one.file is not None
        }
        for key in list(self._needed_by):
            if key not in applied:
                self._needed_by.pop(key, None)
            elif applied[key]:
                self.drop(key)

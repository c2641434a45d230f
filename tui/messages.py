"""What the parts of the interface tell each other, and where the project was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """Where the project is and how its Python is reached, for the status bar and the error screens."""

    folder: str  # the project's folder, as the interface sees it
    command: tuple[str, ...]  # the words of the user's own manage.py command
    how: str  # how the interpreter was chosen: ".venv in the project", "given after --"

"""The manage.py commands that would show what is on screen."""

from __future__ import annotations

from .nodes import Node


def sql_command(app: str, name: str, database: str, *, backwards: bool) -> str:
    """Return the arguments of manage.py that print this SQL."""
    words = ["sqlmigrate", app, name]
    if backwards:
        words.append("--backwards")
    if database != "default":
        words += ["--database", database]
    return " ".join(words)


def shown_command(node: Node, database: str, *, backwards: bool) -> str:
    """Return the whole command for what is under the cursor."""
    if node.app is not None and node.migration is not None:
        words = sql_command(node.app.label, node.migration.name, database, backwards=backwards)
    else:
        words = f"showmigrations {node.app.label}" if node.app is not None else "showmigrations"
        words += "" if database == "default" else f" --database {database}"
    return f"python manage.py {words}"

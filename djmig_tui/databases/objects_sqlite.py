"""What goes along on SQLite: a table that is remade loses its triggers and hand-made indexes."""

import re
from typing import Any, List, Optional, Tuple

from ..protocol import Failure


def go_along(connection: Any, touched: Any) -> List[str]:
    """Return triggers and hand-made indexes of tables that are remade, and triggers of dropped ones."""
    sentences = []
    for kind, name, table, _sql in _objects(connection):
        if kind == "trigger" and table in touched.remade | touched.dropped:
            sentences.append("The trigger %s goes with %s." % (name, table))
        elif kind == "index" and table in touched.remade and name not in touched.indexes_made:
            sentences.append("The index %s of %s goes: no migration makes it again." % (name, table))
        elif kind == "view" and any(_mentions(_sql, each) for each in touched.dropped):
            sentences.append("The view %s is left without its table." % name)
    return sentences


def size(connection: Any, table: str) -> Optional[int]:
    """SQLite would have to read the whole file to tell."""
    return None


def stand_in_the_way(connection: Any, touched: Any) -> List[Failure]:
    """Return views that make a remake fail: SQLite checks every view when a table gets its name back."""
    failures = []
    for kind, name, _table, sql in _objects(connection):
        if kind != "view":
            continue
        for table in sorted(touched.remade):
            if _mentions(sql, table):
                message = "the view %s reads %s, which SQLite refuses to remake below it" % (name, table)
                failures.append(Failure(table, "", 1, message))
        for table, column in sorted(touched.columns):
            if _mentions(sql, table) and _mentions(sql, column):
                message = "the view %s reads the column %s.%s" % (name, table, column)
                failures.append(Failure(table, column, 1, message))
    return failures


def _objects(connection: Any) -> List[Tuple[str, str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND type IN ('trigger', 'index', 'view') ORDER BY name"
        )
        return list(cursor.fetchall())


def _mentions(sql: str, name: str) -> bool:
    return re.search(r"(?i)(?<![\w$])%s(?![\w$])" % re.escape(name), sql or "") is not None

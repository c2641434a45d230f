"""What goes along on MySQL and MariaDB: triggers with their table; views stay and stop working."""

from typing import Any, List, Optional

from ..protocol import Failure


def go_along(connection: Any, touched: Any) -> List[str]:
    """Return triggers of dropped tables, views that stop working, and indexes that lose a column."""
    sentences: List[str] = []
    with connection.cursor() as cursor:
        for table in sorted(touched.dropped):
            cursor.execute(
                "SELECT trigger_name FROM information_schema.triggers"
                " WHERE event_object_schema = DATABASE() AND event_object_table = %s ORDER BY 1",
                [table],
            )
            sentences.extend("The trigger %s goes with %s." % (name, table) for (name,) in cursor.fetchall())
        for table, column in sorted(touched.columns):
            cursor.execute(
                "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"
                " AND table_name = %s GROUP BY index_name"
                " HAVING SUM(column_name = %s) > 0 AND COUNT(*) > 1 ORDER BY 1",
                [table, column],
            )
            for (name,) in cursor.fetchall():
                sentences.append("The index %s loses its column %s.%s." % (name, table, column))
        cursor.execute(
            "SELECT table_name, view_definition FROM information_schema.views"
            " WHERE table_schema = DATABASE() ORDER BY 1"
        )
        views = list(cursor.fetchall())
    for name, definition in views:
        for table in sorted(touched.dropped | {table for table, _ in touched.columns}):
            columns = {column for of, column in touched.columns if of == table}
            used = not columns or any("`%s`" % column in definition for column in columns)
            if "`%s`" % table in definition and used:
                sentences.append("The view %s stays and stops working: it reads %s." % (name, table))
    return sentences


def size(connection: Any, table: str) -> Optional[int]:
    """Return the bytes of a table with its indexes, None if it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data_length + index_length FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None else int(row[0])


def stand_in_the_way(connection: Any, touched: Any) -> List[Failure]:
    """Nothing here makes a step fail that rows do not."""
    return []

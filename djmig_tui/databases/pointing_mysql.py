"""Which tables point at others on MySQL and MariaDB: with their checks off they would point at nothing."""

from typing import Any, List, Sequence, Set, Tuple

from ..catalogue import TableNames


def from_elsewhere(connection: Any, tables: Sequence[str]) -> List[Tuple[str, str]]:
    """Return (who points, at what) for foreign keys at `tables` from tables that are none of them, sorted."""
    own = TableNames(connection, tables)
    found: Set[Tuple[str, str]] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema = DATABASE(), table_schema, table_name, referenced_table_name"
            " FROM information_schema.key_column_usage"
            " WHERE referenced_table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
        )
        for here, schema, table, target in cursor.fetchall():
            if target in own and not (here and table in own):
                found.add((table if here else "%s.%s" % (schema, table), target))
    return sorted(found)

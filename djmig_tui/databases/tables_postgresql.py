"""The tables of a PostgreSQL database that a dump holds the rows of."""

from typing import Any, List, Tuple

#: As (name, quoted): those of an extension belong to it, and partitions count, not what they are parts of.
TABLES = """
SELECT CASE WHEN n.nspname = current_schema() THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
       quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""


def tables(cursor: Any) -> List[Tuple[str, str]]:
    """Return (name, quoted name) of each table; those of an extension belong to it, and partitions count."""
    cursor.execute(TABLES)
    return [(str(name), str(quoted)) for name, quoted in cursor.fetchall()]

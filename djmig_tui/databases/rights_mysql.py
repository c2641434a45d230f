"""What a user of MySQL or MariaDB may do, by its grants: nothing has to be tried."""

import re
from typing import Any, Set

#: What filling a database and moving its tables takes.
_FILLS = {"CREATE", "DROP", "ALTER", "INSERT", "SELECT"}
#: Whoever has one of these may say that another user made a view or a trigger.
_NAMES_DEFINERS = {"SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER"}
_ALL = "ALL PRIVILEGES"
_GRANT = re.compile(r"GRANT (.+?) ON (\*|`(?:[^`]|``)*`)\.\* TO ")


def may_create(cursor: Any, name: str) -> bool:
    """Return whether this user may make, fill and drop a database of that `name`."""
    found = _granted(cursor, name)
    return _ALL in found or found >= _FILLS


def may_name_definers(cursor: Any) -> bool:
    """Return whether this user may make views, routines, triggers and events in the name of another."""
    found = _granted(cursor, None)
    return _ALL in found or bool(found & _NAMES_DEFINERS)


def myself(cursor: Any) -> str:
    """Return this user, as definers are written."""
    cursor.execute("SELECT CURRENT_USER()")
    return str(cursor.fetchone()[0])


def _granted(cursor: Any, database: Any) -> Set[str]:
    """Return what is granted on everything, and on databases that are named like `database`."""
    found: Set[str] = set()
    cursor.execute("SHOW GRANTS FOR CURRENT_USER%s" % _roles(cursor))
    for (grant,) in cursor.fetchall():
        match = _GRANT.match(str(grant))
        if match and (match.group(2) == "*" or (database and _is_like(match.group(2)[1:-1], database))):
            found.update(each.strip().upper() for each in match.group(1).split(","))
    return found


def _roles(cursor: Any) -> str:
    """Return what has MySQL include the roles that are in use; MariaDB does so by itself."""
    cursor.execute("SELECT VERSION()")
    if "mariadb" in str(cursor.fetchone()[0]).lower():
        return ""
    cursor.execute("SELECT CURRENT_ROLE()")
    roles = str(cursor.fetchone()[0])
    return "" if roles == "NONE" else " USING %s" % roles


def _is_like(pattern: str, name: str) -> bool:
    """Return whether a grant's pattern, in which % and _ stand for others, has `name`."""
    parts = re.findall(r"\\[%_\\]|.", pattern.replace("``", "`"), re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, name, re.DOTALL | re.IGNORECASE) is not None

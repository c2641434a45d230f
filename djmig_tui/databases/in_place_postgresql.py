"""Loads a dump into a PostgreSQL database itself, where no other may be made: all of it, or nothing."""

import json
import subprocess
from typing import Any, Callable, List

from ..errors import FailedError
from ..lookout import Lookout
from ..protocol import RestoreFinished
from . import tools_postgresql as tools
from .create_postgresql import literal, quoted
from .dumping import Blocked, Stopped
from .peers_postgresql import sessions
from .tables_postgresql import TABLES, tables

#: How long a lock is waited for, in milliseconds.
LOCK_TIMEOUT = 5000

#: Fails, and with it the transaction, unless every table has the rows that are claimed of it.
_COMPARE = """
SET client_encoding = 'UTF8';
RESET search_path;
DO $djmig$ DECLARE each record; claim record; found jsonb := '{}'; counted bigint; BEGIN
FOR each IN %s LOOP
    EXECUTE 'SELECT count(*) FROM ' || each.quoted INTO counted;
    found := found || jsonb_build_object(each.name, counted);
END LOOP;
FOR claim IN SELECT key, value::bigint AS rows FROM jsonb_each_text(%s) LOOP
    IF (found ->> claim.key)::bigint IS DISTINCT FROM claim.rows THEN
        RAISE EXCEPTION '%% has %% rows where the backup claims %%',
            claim.key, coalesce(found ->> claim.key, 'no'), claim.rows;
    END IF;
END LOOP;
END $djmig$;
"""


def restore_in_place(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    """Drop what the backup does not have and load it, in one transaction of psql's.

    pg_restore has such a transaction too, but takes no statement of ours into it. The COMMIT is ours
    to write: when we are killed psql comes to the end of what it reads without one, and all is as it was.
    """
    with connection.cursor() as cursor:
        extra = _extra(cursor, request)
    begin = _begin(connection, [sql for _, sql in extra])
    claims = {each.table: each.rows for each in request.tables if each.exact}
    compare = _COMPARE % (TABLES, literal(json.dumps(claims)) + "::jsonb")
    try:
        with Lookout(connection, True, lambda message: None):
            _load(connection, path, call, begin, compare)
    except FailedError as error:
        if "lock timeout" in error.detail:
            raise Blocked(sessions(connection)[0]) from error
        raise FailedError("%s Nothing was replaced." % error, error.detail) from error
    names = ", ".join(name for name, _ in extra)
    notes = ("Dropped, since the backup does not have them: %s." % names,) if extra else ()
    return RestoreFinished(True, notes=notes)


def _extra(cursor: Any, request: Any) -> List[Any]:
    claimed = {each.table for each in request.tables}
    if not claimed:
        return []  # nobody knows what is in the backup
    return [(name, sql) for name, sql in tables(cursor) if name not in claimed]


def _begin(connection: Any, extra: List[str]) -> str:
    role = (connection.settings_dict.get("OPTIONS") or {}).get("assume_role")
    lines = ["SET ROLE %s;" % quoted(role)] if role else []
    lines += ["SET client_encoding = 'UTF8';", "BEGIN;", "SET lock_timeout = %d;" % LOCK_TIMEOUT]
    if extra:
        lines.append("DROP TABLE %s CASCADE;" % ", ".join(extra))
    return "\n".join(lines) + "\n"


def _load(connection: Any, path: str, call: Any, begin: str, compare: str) -> None:
    if call.stopping:
        raise Stopped
    env = tools.environment(connection)
    loading = tools.command(connection, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    loading = [each for each in loading if not each.startswith("--role=")]
    reading = ["pg_restore", "--clean", "--if-exists", "--no-owner", "--no-acl", "--file=-", path]
    with tools.at_work(loading, env, stdin=subprocess.PIPE) as psql, tools.at_work(
        reading, env, stdout=subprocess.PIPE
    ) as reader:
        source, target = reader.process.stdout, psql.process.stdin
        assert source is not None  # noqa: S101 -- they were asked for
        assert target is not None  # noqa: S101
        done = 0
        try:
            target.write(begin.encode("utf-8"))
            for block in iter(lambda: source.read(tools.BLOCK), b""):
                _unless_timeouts_change(target.write, block)
                done += len(block)
                call.progress(0, 0, "Loading the backup: %d MB" % (done >> 20))
                if call.stopping:
                    raise Stopped
            reader.end()
            target.write(compare.encode("utf-8"))
            call.progress(0, 0, "Comparing the rows")
            if call.stopping:
                raise Stopped
            target.write(b"COMMIT;\n")
            target.close()
        except BrokenPipeError:
            psql.end()  # its own words
            raise
        psql.end()


def _unless_timeouts_change(write: Callable[[bytes], object], block: bytes) -> None:
    """Hand a block on without the line by which every dump waits for locks for ever."""
    write(block.replace(b"\nSET lock_timeout = 0;\n", b"\n", 1) if block.startswith(b"--") else block)

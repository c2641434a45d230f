"""Breaks a schema by hand, one thing at a time, on every vendor: what verify has to find."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.projects import SampleProject
from tests.servers import query


def execute(project: SampleProject, *statements: str, alias: str = "default") -> None:
    """Run statements that write, each on its own."""
    for sql in statements:
        if project.vendor != "sqlite":
            query(project.vendor, project.databases[alias], sql)
            continue
        with closing(sqlite3.connect(project.databases[alias], isolation_level=None)) as connection:
            connection.execute("PRAGMA legacy_alter_table = ON")  # renaming leaves references alone
            connection.executescript(sql)


def remake(project: SampleProject, table: str, old: str, new: str) -> None:
    """Make a SQLite table anew with a part of its definition replaced; its indexes come again."""
    stored = project.query(
        f"SELECT type, sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL"
    )
    (created,) = [sql for kind, sql in stored if kind == "table"]
    assert created.count(old) == 1, (created, old)
    changed = created.replace(f'"{table}"', '"remade"', 1).replace(old, new)
    indexes = [sql for kind, sql in stored if kind == "index"]
    execute(project, changed, f'DROP TABLE "{table}"', f'ALTER TABLE "remade" RENAME TO "{table}"', *indexes)


def index_over(project: SampleProject, table: str, column: str, *, unique: bool) -> str:
    """Return the name of the index over one column, or over several as "a, b"."""
    if project.vendor == "sqlite":
        rows = project.query(
            f"SELECT i.name, i.\"unique\", group_concat(k.name, ', ') FROM pragma_index_list('{table}') i,"
            " pragma_index_info(i.name) k GROUP BY 1, 2"
        )
    elif project.vendor == "postgresql":
        rows = project.query(
            "SELECT i.relname, x.indisunique, (SELECT string_agg(a.attname, ', ' ORDER BY k.n)"
            " FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a"
            " ON a.attrelid = x.indrelid AND a.attnum = k.attnum) FROM pg_index x"
            f" JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = '{table}'::regclass"
            " AND i.relname NOT LIKE '%_like'"
        )
    else:
        rows = project.query(
            "SELECT INDEX_NAME, NOT NON_UNIQUE,"
            " GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX SEPARATOR ', ')"
            " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
            f" AND TABLE_NAME = '{table}' GROUP BY 1, 2"
        )
    (name,) = [name for name, is_unique, columns in rows if bool(is_unique) == unique and columns == column]
    return str(name)


def drop_index(project: SampleProject, table: str, name: str) -> None:
    """Drop an index."""
    execute(project, f"DROP INDEX {name}" + (f" ON {table}" if project.vendor == "mysql" else ""))


def drop_constraint(project: SampleProject, table: str, name: str) -> None:
    """Drop a constraint of a server; on MariaDB a unique one is an index."""
    execute(project, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def foreign_key_of(project: SampleProject, table: str) -> str:
    """Return the name of a server's only foreign key of a table."""
    if project.vendor == "postgresql":
        sql = f"SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'f'"
    else:
        sql = (
            "SELECT CONSTRAINT_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()"
            f" AND TABLE_NAME = '{table}' AND REFERENCED_TABLE_NAME IS NOT NULL"
        )
    ((name,),) = project.query(sql)
    return str(name)


def alter_column(project: SampleProject, table: str, column: str, old: str, new: str) -> None:
    """Change a column's definition, such as `varchar(60) NOT NULL`, by hand."""
    if project.vendor == "sqlite":
        remake(project, table, f'"{column}" {old}', f'"{column}" {new}')
    elif project.vendor == "mysql":
        execute(project, f"ALTER TABLE {table} MODIFY {column} {new}")
    else:
        type_, _, null = new.partition(" ")
        verb = "SET" if null == "NOT NULL" else "DROP"
        execute(
            project,
            f"ALTER TABLE {table} ALTER {column} TYPE {type_}",
            f"ALTER TABLE {table} ALTER {column} {verb} NOT NULL",
        )

"""Values of every type come back as they were: what the database prints of them is compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.driver import driving
from tests.engine.keeping import Keeping, counts
from tests.engine.small import project_of, shop
from tests.projects import SampleProject
from tests.servers import connect

INT64 = st.integers(-(2**63), 2**63 - 1)
#: PostgreSQL's texts hold no NUL; no database's holds half a surrogate pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
MOMENT = st.datetimes(datetime(1971, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.isoformat(" "))
DECIMAL = st.decimals(-(10**11), 10**11, places=4, allow_nan=False, allow_infinity=False).map(
    lambda number: format(number, "f")
)

#: Column, its type and what goes into it: of each vendor all that Django's fields make of it, and more.
TYPES: dict[str, dict[str, tuple[str, st.SearchStrategy[Any]]]] = {
    "sqlite": {
        "anything": (
            "",
            st.one_of(INT64, st.floats(allow_nan=False), TEXT, st.text("\0a'\"%", max_size=4), st.binary()),
        ),
        "number": ("bigint", INT64),
        "price": ("decimal", DECIMAL),
        "at": ("datetime", MOMENT),
        "blob": ("BLOB", st.binary(max_size=20)),
        "label": ("varchar(20)", st.one_of(TEXT, st.just("1e3"), st.just(""))),
    },
    "postgresql": {
        "number": ("bigint", INT64),
        "price": ("numeric(16,4)", DECIMAL),
        "free": ("numeric", st.one_of(DECIMAL, st.just("NaN"), st.just("1e100"))),
        "real8": ("double precision", st.floats()),
        "real4": ("real", st.floats(width=32)),
        "at": ("timestamp with time zone", MOMENT.map(lambda at: at + "+05:30")),
        "local": ("timestamp", st.one_of(MOMENT, st.just("infinity"), st.just("0044-03-15 BC"))),
        "day": ("date", MOMENT.map(lambda at: at[:10])),
        "span": ("interval", st.sampled_from(["1 mon -1 days +02:03:04.5", "-1 year", "0"])),
        "ident": ("uuid", st.uuids().map(str)),
        "data": (
            "jsonb",
            st.sampled_from(['{"a": [1, null, "é"]}', "null", '""', "12345678901234567890.10"]),
        ),
        "raw": ("json", st.sampled_from(['{"b": 1,  "a":2}', "[]"])),
        "blob": ("bytea", st.binary(max_size=20)),
        "label": ("varchar(20)", st.one_of(TEXT, st.just("NULL"), st.just("\\\\N"))),
        "fixed": ("char(5)", st.sampled_from(["", "ab", "ab  c"])),
        "many": ("text[]", st.lists(st.one_of(st.none(), TEXT), max_size=4)),
        "grid": ("integer[]", st.sampled_from(["{{1,2},{3,NULL}}", "{}", "[0:1]={1,2}"])),
        "during": ("tstzrange", st.sampled_from(["empty", "[2024-01-01 00:00+02,)", "(,)"])),
        "between": ("int4range", st.sampled_from(["empty", "[1,5)", "(,3]"])),
        "address": ("inet", st.sampled_from(["10.0.0.0/8", "::1"])),
        "yes": ("boolean", st.booleans()),
    },
    "mysql": {
        "number": ("bigint", INT64),
        "positive": ("bigint unsigned", st.integers(0, 2**64 - 1)),
        "price": ("decimal(16,4)", DECIMAL),
        "real8": ("double", st.floats(allow_nan=False, allow_infinity=False)),
        "real4": ("float", st.floats(-(2.0**90), 2.0**90, width=32)),
        "at": ("datetime(6)", MOMENT),
        "day": ("date", MOMENT.map(lambda at: at[:10])),
        "hour": ("time(6)", st.sampled_from(["00:00:00", "12:34:56.789012"])),
        "ident": ("char(32)", st.uuids().map(lambda each: each.hex)),
        "data": ("json", st.sampled_from(['{"a": [1, null, "é"]}', "null", '""'])),
        "blob": ("longblob", st.binary(max_size=20)),
        "fixed": ("binary(4)", st.binary(min_size=4, max_size=4)),
        "label": ("varchar(20)", st.one_of(TEXT, st.just("\U0001f600"), st.just("t"))),
        "latin": ("varchar(20) CHARACTER SET latin1", st.sampled_from(["é%s", "", "'"])),
        "bits": ("bit(20)", st.integers(0, 2**20 - 1)),
        "yes": ("bool", st.booleans()),
        "kind": ("enum('a','b')", st.sampled_from(["a", "b"])),
    },
}


def _row(vendor: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: st.one_of(st.none(), values) for name, (_, values) in TYPES[vendor].items()}
    )


@contextmanager
def _writing(project: SampleProject) -> Iterator[Any]:
    if project.vendor == "sqlite":
        import sqlite3

        with closing(sqlite3.connect(project.databases["default"], isolation_level=None)) as connection:
            yield connection.cursor()
    else:
        with closing(connect(project.vendor, project.databases["default"])) as connection:
            yield connection.cursor()


def _operation(vendor: str, whole: bool) -> str:
    """Return the operations that make the columns: of a table of their own, or of shop_item."""
    field = "models.IntegerField(null=True)"
    if whole:
        fields = ", ".join(f'("{name}", {field})' for name in TYPES[vendor])
        return f'migrations.CreateModel("Typed", [("id", models.AutoField(primary_key=True)), {fields}])'
    return ", ".join(f'migrations.AddField("item", "{name}", {field})' for name in TYPES[vendor])


def _retype(project: SampleProject, table: str) -> None:
    """Give the columns, which a migration made as numbers, their types."""
    with _writing(project) as cursor:
        quote = "`" if project.vendor == "mysql" else '"'
        for name, (kind, _) in TYPES[project.vendor].items():
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN {quote}{name}{quote}")
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN {quote}{name}{quote} {kind} NULL")
        if project.vendor == "mysql":  # which keeps room for every column that ever was
            cursor.execute(f"ALTER TABLE {table} FORCE")


def _fill(project: SampleProject, table: str, rows: list[dict[str, Any]]) -> None:
    mark = "?" if project.vendor == "sqlite" else "%s"
    quote = "`" if project.vendor == "mysql" else '"'
    with _writing(project) as cursor:
        cursor.execute(f"DELETE FROM {table}")
        for row in rows:
            names = ", ".join(f"{quote}{name}{quote}" for name in row)
            values = list(row.values())
            if table == "shop_item":
                names, values = f"name, {names}", ["x", *values]
            marks = ", ".join([mark] * len(values))
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _content(project: SampleProject, table: str) -> list[tuple[Any, ...]]:
    """Return the rows in the database's own writing, which tells apart all that it stores."""
    quote = "`" if project.vendor == "mysql" else '"'
    shown = {
        "sqlite": "quote({0}), hex(CAST({0} AS BLOB)), typeof({0})",
        "postgresql": "{0}::text",
        "mysql": "HEX({0}), {0}",
    }[project.vendor]
    columns = ", ".join(shown.format(f"{quote}{name}{quote}") for name in TYPES[project.vendor])
    return project.query(f"SELECT id, {columns} FROM {table} ORDER BY id")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("whole", [False, True], ids=["columns", "a table"])
def test_values_of_every_type_come_back(vendor: str, whole: bool, tmp_path: Path) -> None:
    table = "shop_typed" if whole else "shop_item"
    with (
        project_of(tmp_path, shop([_operation(vendor, whole)]), vendor) as project,
        driving(project) as engine,
    ):
        keeping = Keeping(engine, tmp_path)
        keeping.forward()

        @settings(
            max_examples=5,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(st.lists(_row(vendor), min_size=1, max_size=8))
        def comes_back(rows: list[dict[str, Any]]) -> None:
            _retype(project, table)
            _fill(project, table, rows)
            before = _content(project, table)
            finished, entry = keeping.roll_back("0001_initial")
            assert finished.error is None, finished.detail
            keeping.forward()
            _retype(project, table)
            if entry is None:  # nothing but NULLs
                assert not whole
                assert all(value is None for row in rows for value in row.values())
                return
            found = keeping.put_back(entry)
            assert [counts(part) for part in found] == [{"match": part.rows} for part in found]
            assert _content(project, table) == before
            assert {name for part in keeping.match(entry) for name in counts(part)} == {"there"}
            keeping.state.delete_kept(entry)

        comes_back()

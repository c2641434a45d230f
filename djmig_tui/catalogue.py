"""A table as the database itself has it: columns, primary key, what is unique and what points elsewhere."""

from importlib import import_module
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .world import quoted

_VENDORS = ("sqlite", "postgresql", "mysql")


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: str
    generated: bool = False


class Table(NamedTuple):
    """What keeping and putting back rows must know of a table."""

    name: str
    columns: Tuple[Column, ...]
    key: Tuple[str, ...]  # columns of the primary key
    uniques: Tuple[Tuple[str, ...], ...]
    links: Tuple[Tuple[str, str, str], ...]  # column, and the table and column that it points at

    def column(self, name: str) -> Optional[Column]:
        """Return a column, None if it is not there."""
        return next((each for each in self.columns if each.name == name), None)


class TableNames:
    """Names of tables, those that are there unless others are given; in any case where that says nothing."""

    def __init__(self, connection: Any, names: Optional[Iterable[str]] = None) -> None:
        self._any_case = connection.features.ignores_table_name_case
        found = connection.introspection.table_names() if names is None else names
        self._names = {self._plain(name) for name in found}

    def __contains__(self, name: object) -> bool:
        return self._plain(str(name)) in self._names

    def _plain(self, name: str) -> str:
        return name.lower() if self._any_case else name


def rows_of(connection: Any) -> Any:
    """Return the module that reads and writes values on the database behind `connection`, None if none does.

    Each has `GROUPED`, ``columns(connection, table)``, ``partial(connection, table)``, the unique indexes
    that are over some of its rows, ``settled(connection)``, ``reading(connection)``, a cursor that does not
    read ahead, ``out(sql, column)``, ``cast(sql, column)``, ``encode(row)``, ``literal(text)``,
    ``among(names, rows)``, ``fits(connection, column, text)`` and ``inserted(connection, table)``.
    """
    return of_vendor("rows", connection)


def of_vendor(subject: str, connection: Any) -> Any:
    """Return the module about `subject` on the database behind `connection`, None if there is none for it."""
    if connection.vendor not in _VENDORS:
        return None
    return import_module(".databases.%s_%s" % (subject, connection.vendor), __package__)


def table_of(connection: Any, name: str) -> Optional[Table]:
    """Return the table called `name`, None if there is none."""
    if name not in TableNames(connection):
        return None
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, name)
    columns = rows_of(connection).columns(connection, name)
    key: Sequence[str] = ()
    uniques: List[Tuple[str, ...]] = []
    links: List[Tuple[str, str, str]] = []
    partial = rows_of(connection).partial(connection, name)
    for constraint, each in constraints.items():
        over = tuple(each["columns"] or ())
        if each["primary_key"]:
            key = over
        elif each["unique"] and over and None not in over and constraint not in partial:
            uniques.append(over)
        if each["foreign_key"] and len(over) == 1:
            links.append((over[0], *each["foreign_key"]))
    return Table(name, tuple(columns), tuple(key), tuple(uniques), tuple(links))


def selected(connection: Any, table: str, columns: Sequence[Column]) -> str:
    """Return what to SELECT for the values of `columns`, as `encode` of the vendor's module takes them."""
    quote, rows = quoted(connection), rows_of(connection)
    return ", ".join(rows.out("%s.%s" % (quote(table), quote(each.name)), each) for each in columns)

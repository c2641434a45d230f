"""Compares what the records claim with what is there, and says each difference as a sentence."""

from typing import Any, Dict, Iterable, List, Optional, Tuple

from django.db import router

from ..databases.schema import Column, Schema, Table
from ..protocol import Difference
from .facts import (
    COLUMN,
    CONSTRAINT,
    FOREIGN_KEY,
    INDEX,
    NULL,
    PRIMARY_KEY,
    TABLE,
    TYPE,
    UNIQUE,
    Fact,
    Facts,
    Key,
    agrees,
    found,
)
from .records import Claims

LEFT_BEHIND = "%s was taken from the models alone (SeparateDatabaseAndState): it may stay or go."
_ORDER = (TABLE, COLUMN, TYPE, NULL, PRIMARY_KEY, UNIQUE, INDEX, CONSTRAINT, FOREIGN_KEY)


class Comparison:
    """The differences between some facts and a schema."""

    def __init__(self, claims: Claims, schema: Schema, facts: Facts) -> None:
        self.claims = claims
        self.schema = schema
        self.facts = facts.facts
        self.differences: List[Difference] = []
        self.not_checked: List[str] = list(dict.fromkeys(facts.unclear))
        self._look()

    def _look(self) -> None:
        tables = self._by_table()
        for table_key in sorted(tables):
            facts = tables[table_key]
            table = self.schema.tables.get(table_key)
            if table is None:
                self._missing_table(facts[TABLE, table_key, ""])
            elif table.view:
                self.not_checked.append("%s is a view: its columns were not compared." % table.name)
            else:
                self._table(table_key, table, facts)
                if table.partitioned:
                    sentence = "%s is partitioned: its primary key and unique constraints were not compared."
                    self.not_checked.append(sentence % table.name)

    def _by_table(self) -> Dict[str, Dict[Key, Fact]]:
        tables: Dict[str, Dict[Key, Fact]] = {}
        for key in sorted(self.facts, key=lambda each: _ORDER.index(each[0])):
            tables.setdefault(key[1], {})[key] = self.facts[key]
        return tables

    def _table(self, table_key: str, table: Table, facts: Dict[Key, Fact]) -> None:
        for key, fact in facts.items():
            there = found(self.schema, key)
            if agrees(key, fact.value, there):
                continue
            if key[0] in {TYPE, NULL} and there is None:
                continue  # the column itself is missing
            if table.partitioned and key[0] in {PRIMARY_KEY, UNIQUE}:
                continue
            self._differs(key, fact, there)
        owner = next(iter(facts.values()))
        for column_key, column in table.columns.items():
            if (COLUMN, table_key, column_key) in facts:
                continue
            left_behind = (table_key, column_key) in self.claims.left_behind
            self._extra_column(owner, table.name, column, left_behind)

    def _missing_table(self, fact: Fact) -> None:
        columns = {key[2] for key in self.facts if key[0] == COLUMN and key[1] == self._key(fact)}
        twin = next(
            (
                table.name
                for key, table in sorted(self.schema.tables.items())
                if set(table.columns) == columns and (TABLE, key, "") not in self.facts
            ),
            "",
        )
        sentence = "%s is missing: it is the table of %s." % (fact.table, _label(fact))
        if twin:
            sentence += " %s has the same columns; it may have been renamed." % twin
        self._add(fact, "missing table", "a table", twin, sentence)

    def _key(self, fact: Fact) -> str:
        return self.schema.table_key(fact.table)

    def _differs(self, key: Key, fact: Fact, there: Any) -> None:
        kind = key[0]
        where = "%s.%s" % (fact.table, fact.name)
        if kind == COLUMN:
            sentence = "%s is missing: %s has it as %s." % (where, _label(fact), fact.shown)
            self._add(fact, "missing column", fact.shown, "", sentence)
        elif kind in {TYPE, NULL}:
            is_ = str(there) if kind == TYPE else "NULL" if there else "NOT NULL"
            sentence = "%s is %s; %s has it as %s." % (where, is_, _label(fact), fact.shown)
            self._excusable(fact, kind, is_, sentence, [fact.name])
        elif kind == PRIMARY_KEY:
            is_ = ", ".join(str(each) for each in there or ()) or "none"
            sentence = "The primary key of %s is %s; %s has %s." % (fact.table, is_, _label(fact), fact.shown)
            self._excusable(fact, kind, is_, sentence, [])
        elif kind == FOREIGN_KEY:
            self._foreign_key(fact, there)
        else:
            self._index(key, fact, there)

    def _foreign_key(self, fact: Fact, there: Any) -> None:
        is_ = ", ".join("%s.%s" % target for target in sorted(there or ()))
        where = "%s.%s" % (fact.table, fact.name)
        sentence = "%s references %s; %s has it reference %s." % (
            where,
            is_ or "nothing: the foreign key is missing",
            _label(fact),
            fact.shown,
        )
        self._excusable(fact, "foreign key" if is_ else "missing foreign key", is_, sentence, [fact.name])

    def _index(self, key: Key, fact: Fact, there: Any) -> None:
        kind, table_key, name = key
        table = self.schema.tables[table_key]
        over = " over %s" % fact.shown if fact.shown else ""
        is_, kind_of_difference = "", "missing " + kind
        if isinstance(name, tuple):
            sentence = "%s has no %s over %s, which %s asks for." % (
                fact.table,
                kind,
                fact.name,
                _label(fact),
            )
        elif there is not None:
            kind_of_difference, is_ = kind, ", ".join(str(each) for each in there)
            sentence = "The %s %s of %s is over %s; %s has it%s." % (
                kind,
                fact.name,
                fact.table,
                is_,
                _label(fact),
                over,
            )
        else:
            is_, why = self._instead(table, kind, name, fact)
            sentence = "The %s %s%s is missing from %s%s." % (kind, fact.name, over, fact.table, why)
        columns = fact.name.split(", ") if isinstance(name, tuple) else [fact.name]
        self._excusable(fact, kind_of_difference, is_, sentence, columns)

    @staticmethod
    def _instead(table: Table, kind: str, name: str, fact: Fact) -> Tuple[str, str]:
        """Return what stands where a named index should be, and how to say it."""
        if name in table.indexes and not table.indexes[name].valid:
            return "invalid", ": it is there but not valid, because CREATE INDEX CONCURRENTLY failed"
        if name in table.indexes:
            return "not unique", ": an index of that name is there but it is not unique"
        for index in table.indexes.values():
            alike = index.plain and index.unique == (kind == UNIQUE) and index.columns == fact.value
            if kind != CONSTRAINT and alike and index.name:
                return index.name, "; %s is over the same columns" % index.name
        return "", ""

    def _extra_column(self, owner: Fact, table: str, column: Column, left_behind: bool) -> None:
        if left_behind:
            self.not_checked.append(LEFT_BEHIND % ("%s.%s" % (table, column.name)))
            return
        sentence = "%s.%s is there, but %s has no such field." % (table, column.name, _label(owner))
        fact = Fact(owner.app, owner.model, table, column.name, None)
        self._excusable(fact, "extra column", column.type, sentence, [column.name])

    def extra_tables(self, apps: Optional[Iterable[str]] = None) -> None:
        """Add the tables that some migration makes, or made, though by the records there are none."""
        alias = self.claims.connection.alias
        known = {key[1] for key in self.facts if key[0] == TABLE} | self.claims.mentioned
        for table_key, ((app, model), migration) in sorted(self.claims.ever.items()):
            table = self.schema.tables.get(table_key)
            if table is None or table.view or table_key in known or (apps is not None and app not in apps):
                continue
            if not router.allow_migrate(alias, app, model_name=model):
                continue
            if table_key in self.claims.left_behind:
                self.not_checked.append(LEFT_BEHIND % table.name)
                continue
            fact = Fact(app, model, table.name, "", None)
            sentence = "%s is there, though by the records it should not be: it belongs to %s.%s." % (
                table.name,
                *migration,
            )
            self._excusable(fact, "extra table", "a table", sentence, [])

    def _excusable(self, fact: Fact, kind: str, is_: str, sentence: str, names: List[str]) -> None:
        """Add a difference, unless SQL or Python of an applied migration speaks of just this thing.

        Then it may well be as it was meant, and nobody but the reader can tell.
        """
        migration = None
        for name in names or [fact.table]:
            words = {fact.table, name}
            migration = migration or self.claims.mentions(*sorted(words))
        if migration is None:
            self._add(fact, kind, fact.shown, is_, sentence)
            return
        self.not_checked.append("%s But %s.%s has SQL or Python about it." % (sentence, *migration))

    def _add(self, fact: Fact, kind: str, expected: str, is_: str, sentence: str) -> None:
        self.differences.append(
            Difference(fact.app, fact.model, fact.table, kind, fact.name, expected, is_, sentence)
        )


def _label(fact: Fact) -> str:
    return "%s.%s" % (fact.app, fact.model)

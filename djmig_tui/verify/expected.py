"""What the tables of some models should look like on one database, as facts."""

from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from django.db import models, router
from django.db.migrations.state import StateApps

from ..databases.schema import Schema, canonical_types
from .facts import COLUMN, CONSTRAINT, FOREIGN_KEY, INDEX, NULL, PRIMARY_KEY, TABLE, TYPE, UNIQUE, Fact, Facts

ModelKey = Tuple[str, str]


class Expectation:
    """Reads facts off models for one database, whose schema was read."""

    def __init__(self, connection: Any, schema: Schema) -> None:
        self.connection = connection
        self.schema = schema
        self._types: Dict[str, Optional[str]] = {}
        self._facts = Facts({}, [])
        self._editor = connection.schema_editor()
        self._editor.deferred_sql = []  # what entering it would do; it is asked for words alone

    def of(self, state: Any, keys: Iterable[ModelKey]) -> Facts:
        """Return what the models `keys` of `state` ask for. Models that are not in it ask for nothing."""
        wanted = [key for key in keys if key in state.models]
        apps = rendered(state, wanted)
        self._facts = Facts({}, [])
        for key in wanted:
            model = apps.get_model(*key)
            if migrates(model, self.connection.alias):
                self._add_model(model, model, state.models[key].options)
        self._settle_types(self._facts)
        return self._facts

    def _add_model(self, model: Any, owner: Any, options: Dict[str, Any]) -> None:
        """Add the facts of `model`. Its link tables are those of its owner (see the schema editor)."""
        table = model._meta.db_table
        if '"' in table or "`" in table:
            self._facts.unclear.append(
                "%s is kept in %s, a name with quotes in it: it was not looked at."
                % (owner._meta.label, table)
            )
            return
        reader = _ModelReader(self, model, owner)
        reader.read(options)
        for field in model._meta.local_many_to_many:
            if field.remote_field.through._meta.auto_created:
                self._add_model(field.remote_field.through, owner, {})

    def add(self, key: Any, fact: Fact) -> None:
        """Add one fact."""
        self._facts.facts[key] = fact

    def unclear(self, sentence: str) -> None:
        """Say what could not be told."""
        self._facts.unclear.append(sentence)

    def _settle_types(self, facts: Facts) -> None:
        """Put types into the database's own words; drop those that it does not know."""
        types = {key: fact for key, fact in facts.facts.items() if key[0] == TYPE}
        missing = {fact.value for fact in types.values()} - set(self._types)
        if missing:
            self._types.update(canonical_types(self.connection, sorted(missing)))
        for key, fact in types.items():
            canonical = self._types[fact.value]
            if canonical is None:
                del facts.facts[key]
                sentence = "%s.%s: the type %s is not known to the database, so it was not compared."
                facts.unclear.append(sentence % (fact.table, fact.name, fact.value))
            else:
                facts.facts[key] = Fact(fact.app, fact.model, fact.table, fact.name, canonical, canonical)

    def makes_nothing(self, thing: Any, model: Any) -> bool:
        """Return whether the schema editor would create nothing for an index or a constraint."""
        if getattr(thing, "contains_expressions", False):
            unsupported = not self.connection.features.supports_expression_indexes
            return unsupported or not thing.create_sql(model, self._editor)
        if type(thing) is models.Index or not _is_special(thing):
            return False
        return not thing.create_sql(model, self._editor)


def _is_special(constraint: Any) -> bool:
    if type(constraint) is not models.UniqueConstraint:
        return True
    names = ("condition", "deferrable", "include", "opclasses", "nulls_distinct")
    return any(getattr(constraint, name, None) not in (None, (), []) for name in names)


class _ModelReader:
    """Adds the facts of one model."""

    def __init__(self, expectation: Expectation, model: Any, owner: Any) -> None:
        self.expectation = expectation
        self.schema = expectation.schema
        self.features = expectation.connection.features
        self.model = model
        self.owner = owner
        self.table = model._meta.db_table
        self.key = self.schema.table_key(self.table)

    def read(self, options: Dict[str, Any]) -> None:
        """Add the table, its columns, keys, indexes and constraints."""
        meta = self.model._meta
        self._add(TABLE, "", "", True)
        for field in meta.local_concrete_fields:
            self._field(field)
        key_fields = getattr(meta, "pk_fields", None) or [meta.pk]
        columns = self._columns(field.column for field in key_fields)
        self._add(PRIMARY_KEY, "", "", columns, ", ".join(columns))
        for fields in meta.unique_together:
            self._over(UNIQUE, fields)
        for fields in options.get("index_together") or ():
            self._over(INDEX, fields)
        for thing in (*meta.indexes, *meta.constraints):
            self._named(thing)

    def _add(self, kind: str, key: Any, name: str, value: Any, shown: str = "") -> None:
        meta = self.owner._meta
        fact = Fact(meta.app_label, meta.object_name, self.table, name, value, shown)
        self.expectation.add((kind, self.key, key), fact)

    def _columns(self, columns: Iterable[str]) -> Tuple[str, ...]:
        return tuple(self.schema.column_key(column) for column in columns)

    def _over(self, kind: str, fields: Iterable[str]) -> None:
        """Add an index or unique constraint that Django names by itself: only its columns count."""
        columns = [self.model._meta.get_field(name).column for name in fields]
        key = self._columns(columns)
        self._add(kind, tuple(sorted(key)) if kind == UNIQUE else key, ", ".join(columns), True)

    def _field(self, field: Any) -> None:
        type_ = field.db_parameters(connection=self.expectation.connection)["type"]
        column, meta = field.column, self.model._meta
        key = self.schema.column_key(column)
        if type_ is None:
            if hasattr(field, "geom_type"):  # SpatiaLite makes the column by a function of its own
                self._add(COLUMN, key, column, True, field.geom_type)
            return
        self._add(COLUMN, key, column, True, type_)
        # Link tables keep the key they were made with when DEFAULT_AUTO_FIELD changes; Django says so.
        if not (meta.auto_created and field.primary_key) and not self._keeps_type(field, type_):
            self._add(TYPE, key, column, type_, type_)
        if not field.primary_key and not getattr(field, "generated", False):
            self._add(NULL, key, column, bool(field.null), "NULL" if field.null else "NOT NULL")
        if field.unique and not field.primary_key:
            self._over(UNIQUE, [field.name])
        elif field.db_index and not field.primary_key and self._has_index(field, type_):
            self._over(INDEX, [field.name])
        if field.remote_field and getattr(field, "db_constraint", False):
            self._foreign_key(field, key)

    def _keeps_type(self, field: Any, type_: str) -> bool:
        """Return whether the type depends on when the table was made: both are one to SQLite.

        Tables that point to an AutoField are not made anew when it becomes a BigAutoField.
        """
        sqlite = self.expectation.connection.vendor == "sqlite"
        return sqlite and bool(field.remote_field) and type_ in {"integer", "bigint"}

    def _has_index(self, field: Any, type_: str) -> bool:
        """Return whether `db_index` makes an index: MySQL has one for each foreign key, or none on texts."""
        connection = self.expectation.connection
        if connection.vendor != "mysql":
            return True
        if field.get_internal_type() == "ForeignKey" and field.db_constraint:
            return False
        return type_.lower() not in connection._limited_data_types

    def _foreign_key(self, field: Any, key: str) -> None:
        remote = field.remote_field
        if not self.features.supports_foreign_keys or isinstance(remote.model, str):
            return
        table = remote.model._meta.db_table
        column = remote.model._meta.get_field(remote.field_name).column
        if '"' in table or "`" in table:
            return
        target = (self.schema.table_key(table), self.schema.column_key(column))
        self._add(FOREIGN_KEY, key, field.column, target, "%s.%s" % (table, column))

    def _named(self, thing: Any) -> None:
        """Add an index or constraint of Meta: its name counts, and its columns where it has any."""
        try:
            if self._unsupported(thing):
                return
        except Exception as error:  # noqa: BLE001 -- expressions and classes of others may fail in any way
            sentence = "%s: %s could not be looked at: %s." % (self.table, thing.name, error)
            self.expectation.unclear(sentence)
            return
        name = self.schema.name_key(thing.name)
        if isinstance(thing, (models.Index, models.UniqueConstraint)):
            kind = INDEX if isinstance(thing, models.Index) else UNIQUE
            fields = [each.lstrip("-") for each in thing.fields]  # an index may be in descending order
            columns = self._columns(self.model._meta.get_field(each).column for each in fields)
            self._add(kind, name, thing.name, columns, ", ".join(columns))
        else:
            self._add(CONSTRAINT, name, thing.name, True)

    def _unsupported(self, thing: Any) -> bool:
        if isinstance(thing, models.CheckConstraint):
            return not self.features.supports_table_check_constraints
        return self.expectation.makes_nothing(thing, self.model)


def migrates(model: Any, alias: str) -> bool:
    """Return whether Django's operations do anything for `model` on this database."""
    return bool(model._meta.can_migrate(alias) and router.allow_migrate_model(alias, model))


def rendered(state: Any, keys: Iterable[ModelKey]) -> Any:
    """Return an app registry with the models `keys` of `state` and all that they need, no others.

    Rendering is most of the cost of everything here.
    """
    needed: Set[ModelKey] = set()
    stack: List[ModelKey] = list(keys)
    while stack:
        key = stack.pop()
        if key in needed or key not in state.models:
            continue
        needed.add(key)
        stack.extend(_references(state.models[key]))
    return StateApps(state.real_apps, {key: state.models[key] for key in state.models if key in needed})


def _references(model: Any) -> List[ModelKey]:
    names: List[Any] = [base for base in model.bases if isinstance(base, str)]
    for field in model.fields.values():
        remote = field.remote_field
        names.extend((getattr(remote, "model", None), getattr(remote, "through", None)))
    return [_resolved(name, model) for name in names if name]


def _resolved(name: Any, model: Any) -> ModelKey:
    if not isinstance(name, str):  # the class itself, where a migration imported it
        return name._meta.app_label, name._meta.model_name
    if name == "self":
        return model.app_label, model.name_lower
    app, _, rest = name.rpartition(".")
    return app or model.app_label, rest.lower()

"""Random models, migrations and rows, and what really happens when they are rolled back.

The generator knows every table and column by an identity that survives renames, so that what was
lost is found out from the database before and after, without asking any code of ours.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from tests.sources import CHECK


@dataclass(frozen=True)
class Field:
    """A field as a migration writes it. `key` stays the same when it is renamed."""

    key: int
    kind: str  # char, text, small, integer, big, positive, decimal, boolean
    size: int = 0
    null: bool = False
    default: str | None = None  # Python source
    unique: bool = False

    def source(self) -> str:
        """Return the call that makes it."""
        options = [f"null={self.null}", f"unique={self.unique}"]
        if self.default is not None:
            options.append(f"default={self.default}")
        if self.kind == "char":
            options.append(f"max_length={self.size}")
        if self.kind == "decimal":
            options += [f"max_digits={self.size}", "decimal_places=2"]
        names = {
            "char": "CharField",
            "text": "TextField",
            "small": "SmallIntegerField",
            "integer": "IntegerField",
            "big": "BigIntegerField",
            "positive": "PositiveIntegerField",
            "decimal": "DecimalField",
            "boolean": "BooleanField",
        }
        return f"models.{names[self.kind]}({', '.join(options)})"


@dataclass
class Model:
    """A model: its name of the moment and its fields by name."""

    key: int
    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    constraints: dict[str, str] = field(default_factory=dict)  # name → source
    held: set[str] = field(default_factory=set)  # fields of constraints

    @property
    def table(self) -> str:
        """The table that Django gives it."""
        return f"shop_{self.name.lower()}"


@dataclass
class Case:
    """A project's migrations, and what the generator knows of them."""

    files: dict[str, str]
    start: dict[int, Model]  # after 0001: what a rollback returns to
    end: dict[int, Model]  # after the last
    kinds: list[str]  # of operations, for the statistics


DEFAULTS = {
    "char": "'x'",
    "text": "'x'",
    "small": "7",
    "integer": "7",
    "big": "7",
    "positive": "7",
    "decimal": "Decimal('1.50')",
    "boolean": "False",
}

HEADER = """from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{dependencies}]
    operations = [
        {operations}
    ]
"""


class Maker:
    """Makes one case from a source of randomness; `favour` is the sharp edge that it begins with."""

    def __init__(self, chance: random.Random, favour: str = "") -> None:
        self.chance = chance
        makers: dict[str, list[Callable[[], str | None]]] = {
            "5": [self.remove_field],
            "6": [self.nullable],
            "7": [self.widen],
            "8": [self.add_field],
            "9": [self.drop_constraint, self.not_unique],
        }
        self.favoured = makers.get(favour, [])
        self.serial = 0
        self.models: dict[int, Model] = {}
        self.kinds: list[str] = []

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def case(self) -> Case:
        """Return two models, and one to four migrations after the first."""
        first = [self.create(Model(self.number(), f"Thing{self.number()}")) for _ in range(2)]
        files = {"0001_initial": HEADER.format(dependencies="", operations=",\n        ".join(first))}
        self.kinds.clear()
        start = copied(self.models)
        previous = "0001_initial"
        for number in range(2, 2 + self.chance.randint(1, 4)):
            operations = [self.operation() for _ in range(self.chance.randint(1, 2))]
            name = f"{number:04}_step"
            dependency = f'("shop", "{previous}")'
            files[name] = HEADER.format(dependencies=dependency, operations=",\n        ".join(operations))
            previous = name
        return Case(files, start, copied(self.models), self.kinds)

    def new_field(self, **options: Any) -> Field:
        kind = self.chance.choice(sorted(DEFAULTS))
        size = {"char": 12, "decimal": 6}.get(kind, 0)
        null = self.chance.random() < 0.4
        default = DEFAULTS[kind] if self.chance.random() < 0.4 else None
        return replace(Field(self.number(), kind, size, null, default), **options)

    def create(self, model: Model) -> str:
        for _ in range(self.chance.randint(3, 4)):
            made = self.new_field()
            if self.chance.random() < 0.15 and made.kind in {"integer", "char"}:
                made = replace(made, unique=True, default=None)
            model.fields[f"f{made.key}"] = made
        self.models[model.key] = model
        pairs = "".join(f"('{name}', {made.source()}), " for name, made in model.fields.items())
        options = ""
        plain = [name for name, made in model.fields.items() if made.kind in {"integer", "char", "positive"}]
        if plain and self.chance.random() < 0.5:
            held = self.chance.choice(plain)
            name = f"c{self.number()}"
            if model.fields[held].kind == "char":
                source = f"models.UniqueConstraint(fields=['{held}'], name='{name}')"
            else:
                source = f"models.CheckConstraint(**{{{CHECK}: models.Q({held}__lt=50)}}, name='{name}')"
            model.constraints[name] = source
            model.held.add(held)
            options = f"options={{'constraints': [{source}]}}, "
        identity = "('id', models.BigAutoField(primary_key=True)), "
        return f"migrations.CreateModel(name='{model.name}', fields=[{identity}{pairs}], {options})"

    def operation(self) -> str:
        """Return one operation, by a kind that the models of the moment allow."""
        makers = [
            self.add_field,
            self.remove_field,
            self.remove_field,
            self.nullable,
            self.nullable,
            self.widen,
            self.widen,
            self.not_unique,
            self.drop_constraint,
            self.drop_constraint,
            self.rename_field,
            self.rename_model,
            self.create_model,
            self.delete_model,
            self.index,
        ]
        self.chance.shuffle(makers)
        first, self.favoured = self.favoured, []
        for maker in [*first, *makers]:
            made = maker()
            if made is not None:
                self.kinds.append(maker.__name__)
                return made
        raise AssertionError("add_field always can")

    def model(self) -> Model:
        return self.models[self.chance.choice(sorted(self.models))]

    def pick(self, model: Model, test: Any) -> str | None:
        names = sorted(n for n, f in model.fields.items() if n not in model.held and test(f))
        return self.chance.choice(names) if names else None

    def on(self, operation: str, model: Model, arguments: str) -> str:
        return f"migrations.{operation}(model_name='{model.name.lower()}', {arguments})"

    def add_field(self) -> str:
        model, made = self.model(), self.new_field()
        if not made.null and made.default is None:
            made = replace(made, default=DEFAULTS[made.kind])
        name = f"f{made.key}"
        model.fields[name] = made
        return self.on("AddField", model, f"name='{name}', field={made.source()}")

    def remove_field(self) -> str | None:
        model = self.model()
        name = self.pick(model, lambda f: len(model.fields) > 1)
        if name is None:
            return None
        del model.fields[name]
        return self.on("RemoveField", model, f"name='{name}'")

    def altered(self, model: Model, name: str, new: Field) -> str:
        model.fields[name] = new
        return self.on("AlterField", model, f"name='{name}', field={new.source()}")

    def nullable(self) -> str | None:
        model = self.model()
        name = self.pick(model, lambda f: not f.null)
        return name and self.altered(model, name, replace(model.fields[name], null=True))

    def widen(self) -> str | None:
        model = self.model()
        name = self.pick(model, lambda f: f.kind in {"char", "small", "integer", "decimal", "positive"})
        if name is None:
            return None
        old = model.fields[name]
        changes_of: dict[str, list[dict[str, Any]]] = {
            "char": [{"size": old.size + 8}, {"kind": "text"}],
            "small": [{"kind": "integer"}, {"kind": "big"}],
            "integer": [{"kind": "big"}],
            "positive": [{"kind": "integer"}],
            "decimal": [{"size": old.size + 4}],
        }
        return self.altered(model, name, replace(old, **self.chance.choice(changes_of[old.kind])))

    def not_unique(self) -> str | None:
        model = self.model()
        name = self.pick(model, lambda f: f.unique)
        return name and self.altered(model, name, replace(model.fields[name], unique=False))

    def drop_constraint(self) -> str | None:
        model = self.model()
        if not model.constraints:
            return None
        name = self.chance.choice(sorted(model.constraints))
        del model.constraints[name]
        return self.on("RemoveConstraint", model, f"name='{name}'")

    def rename_field(self) -> str | None:
        model = self.model()
        old = self.pick(model, lambda f: True)
        if old is None:
            return None
        new = f"g{self.number()}"
        model.fields[new] = model.fields.pop(old)
        return self.on("RenameField", model, f"old_name='{old}', new_name='{new}'")

    def rename_model(self) -> str | None:
        model = self.model()
        old, model.name = model.name, f"Named{self.number()}"
        return f"migrations.RenameModel(old_name='{old}', new_name='{model.name}')"

    def create_model(self) -> str:
        return self.create(Model(self.number(), f"Late{self.number()}"))

    def delete_model(self) -> str | None:
        if len(self.models) < 3:
            return None
        model = self.models.pop(self.model().key)
        return f"migrations.DeleteModel(name='{model.name}')"

    def index(self) -> str | None:
        model = self.model()
        name = self.pick(model, lambda f: f.kind in {"integer", "big", "small"})
        if name is None:
            return None
        model.held.add(name)
        index = f"index=models.Index(fields=['{name}'], name='i{self.number()}')"
        return self.on("AddIndex", model, index)


def copied(models: dict[int, Model]) -> dict[int, Model]:
    """Return the models as they are, for a later look."""
    return {
        key: Model(m.key, m.name, dict(m.fields), dict(m.constraints), set(m.held))
        for key, m in models.items()
    }


def value(made: Field, chance: random.Random) -> Any:
    """Return a random value for a column, often one that a narrower column refuses."""
    if made.null and chance.random() < 0.3:
        return None
    if made.kind in {"char", "text"}:
        longest = made.size if made.kind == "char" else 40
        length = chance.choice([1, 2, min(12, longest), longest])
        return "".join(chance.choice("abc") for _ in range(length)) or "a"
    if made.kind == "boolean":
        return chance.random() < 0.5
    if made.kind == "decimal":
        whole = chance.choice([9, 999, 10 ** (made.size - 2) - 1])
        return Decimal(chance.randint(0, whole)) + Decimal("0.25")
    low, high = {
        "small": (-(2**15), 2**15 - 1),
        "integer": (-(2**31), 2**31 - 1),
        "big": (-(2**63), 2**63 - 1),
        "positive": (0, 2**31 - 1),
    }[made.kind]
    return chance.choice([0, 1, 7, 49, 60, low, high, chance.randint(0, 100)])

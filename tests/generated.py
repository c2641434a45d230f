"""Writes the apps of a generated project: migration files of every common kind, any number of them.

Migrations are made round by round, one for each app, so that what a later one points to always
exists and no dependency goes round in a circle. The same seed gives the same files. Every operation
works on SQLite, PostgreSQL and MariaDB; all but those that have no way back can be undone with rows
in the tables.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.sources import CREATE_MODEL, FIELDS, FOREIGN_KEY, FUNCTIONS, GENERATED, INDEXED


@dataclass
class Model:
    """A model as the migrations written so far leave it."""

    name: str
    made_in: str
    #: Field → (kind, number of its variant).
    fields: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: Fields that an index or a constraint holds: not removed, renamed or altered.
    held: set[str] = field(default_factory=set)


@dataclass
class App:
    """An app as the migrations written so far leave it."""

    label: str
    models: list[Model] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass
class Draft:
    """The migration that is being written."""

    number: int
    word: str = ""
    operations: list[str] = field(default_factory=list)
    needs: set[tuple[str, str]] = field(default_factory=set)
    functions: str = ""
    atomic: bool = True


def write_apps(folder: Path, apps: int, per_app: int, seed: int, irreversible: bool) -> list[str]:
    """Write `apps` apps of `per_app` migrations each into `folder`; return their labels."""
    writer = Writer(random.Random(seed), irreversible)
    width = len(str(apps - 1))
    writer.apps = [App(f"app{number:0{width}}") for number in range(apps)]
    folders = {app.label: folder / app.label / "migrations" for app in writer.apps}
    for migrations in folders.values():
        migrations.mkdir(parents=True)
        for empty in (migrations / "__init__.py", migrations.parent / "__init__.py"):
            empty.touch()
    for number in range(1, per_app + 1):
        for app in writer.apps:
            name, source = writer.write(app, number)
            (folders[app.label] / f"{name}.py").write_text(source)
    return [app.label for app in writer.apps]


class Writer:
    """Writes one migration after the other and remembers what they made."""

    def __init__(self, chance: random.Random, irreversible: bool) -> None:
        self.chance = chance
        self.irreversible = irreversible
        self.apps: list[App] = []
        self.unique = 0

    def write(self, app: App, number: int) -> tuple[str, str]:
        """Return name and source of the app's next migration."""
        draft = Draft(number)
        if number == 1:
            self.create_model(app, draft)
            draft.word = "initial"
        else:
            draft.needs.add((app.label, app.names[-1]))
            self.choose(app, draft)
        name = f"{number:04}_{draft.word}"
        for model in app.models:
            model.made_in = model.made_in or name
        app.names.append(name)
        dependencies = ",\n        ".join(f'("{label}", "{needed}")' for label, needed in sorted(draft.needs))
        return name, GENERATED.format(
            functions=draft.functions,
            atomic="" if draft.atomic else "\n    atomic = False\n",
            dependencies=dependencies + "," if dependencies else "",
            operations=",\n        ".join(draft.operations),
        )

    def choose(self, app: App, draft: Draft) -> None:
        """Fill `draft` with one or two changes of tables, or with one of rows."""
        if self.chance.random() < 0.2:
            self.chance.choice([self.run_python, self.run_python, self.run_sql])(app, draft)
            return
        draft.atomic = self.chance.random() > 0.06
        kinds = (
            [self.add_field] * 5 + [self.alter_field] * 4 + [self.rename_field] * 2 + [self.remove_field] * 2
        )
        kinds += [self.create_model, self.create_model, self.add_foreign_key, self.add_foreign_key]
        kinds += [self.add_index, self.add_constraint]
        for _ in range(self.chance.choice([1, 1, 2])):
            self.chance.choice(kinds)(app, draft)

    def create_model(self, app: App, draft: Draft) -> None:
        """Create a model with three fields."""
        model = Model(f"Model{len(app.models)}", "")
        for kind in self.chance.sample(sorted(FIELDS), 3):
            model.fields[self.new_name(kind)] = (kind, 0)
        app.models.append(model)
        fields = (f'("{name}", {FIELDS[kind][at]})' for name, (kind, at) in model.fields.items())
        draft.operations.append(
            CREATE_MODEL.format(name=model.name, fields=",\n                ".join(fields))
        )
        draft.word = draft.word or model.name.lower()

    def add_field(self, app: App, draft: Draft) -> None:
        """Add a field of any kind."""
        model, kind = self.chance.choice(app.models), self.chance.choice(sorted(FIELDS))
        name, variant = self.new_name(kind), self.chance.randrange(len(FIELDS[kind]))
        model.fields[name] = (kind, variant)
        self.operation(draft, "AddField", model, f'name="{name}", field={FIELDS[kind][variant]}')
        draft.word = draft.word or f"{model.name.lower()}_{name}"

    def alter_field(self, app: App, draft: Draft) -> None:
        """Give a field another type, size, index or nullability."""
        model, name = self.free_field(app, draft)
        if name is None:
            return
        kind, variant = model.fields[name]
        others = [at for at in range(len(FIELDS[kind])) if at != variant]
        model.fields[name] = (kind, self.chance.choice(others))
        field_ = FIELDS[kind][model.fields[name][1]]
        self.operation(draft, "AlterField", model, f'name="{name}", field={field_}')
        draft.word = draft.word or f"alter_{model.name.lower()}_{name}"

    def rename_field(self, app: App, draft: Draft) -> None:
        """Rename a field."""
        model, old = self.free_field(app, draft)
        if old is None:
            return
        new = self.new_name(model.fields[old][0])
        model.fields[new] = model.fields.pop(old)
        self.operation(draft, "RenameField", model, f'old_name="{old}", new_name="{new}"')
        draft.word = draft.word or f"rename_{old}_{model.name.lower()}_{new}"

    def remove_field(self, app: App, draft: Draft) -> None:
        """Remove a field; its way back gives every row the default."""
        model, name = self.free_field(app, draft)
        if name is None:
            return
        del model.fields[name]
        self.operation(draft, "RemoveField", model, f'name="{name}"')
        draft.word = draft.word or f"remove_{model.name.lower()}_{name}"

    def add_foreign_key(self, app: App, draft: Draft) -> None:
        """Point to a model of any app, mostly another one; that app becomes a dependency."""
        model = self.chance.choice(app.models)
        known = [(other, target) for other in self.apps for target in other.models if target.made_in]
        if not known:
            self.add_field(app, draft)
            return
        other, target = self.chance.choice(known)
        name = self.new_name("link")
        draft.needs.add((other.label, target.made_in))
        key = FOREIGN_KEY.format(app=other.label, model=target.name.lower())
        self.operation(draft, "AddField", model, f'name="{name}", field={key}')
        draft.word = draft.word or f"{model.name.lower()}_{name}"

    def add_index(self, app: App, draft: Draft) -> None:
        """Add an index over the name and one more field."""
        self.hold(
            app, draft, INDEXED, "AddIndex", 'index=models.Index(fields=["name", "{field}"], name="{name}")'
        )

    def add_constraint(self, app: App, draft: Draft) -> None:
        """Add a unique constraint that every row meets, because names are unique."""
        constraint = 'constraint=models.UniqueConstraint(fields=("name", "{field}"), name="{name}")'
        self.hold(app, draft, ("amount",), "AddConstraint", constraint)

    def hold(self, app: App, draft: Draft, kinds: tuple[str, ...], operation: str, argument: str) -> None:
        """Add an index or constraint to a field of one of `kinds`, or a field where there is none."""
        model = self.chance.choice(app.models)
        fields = sorted(name for name, (kind, _) in model.fields.items() if kind in kinds)
        if not fields:
            self.add_field(app, draft)
            return
        name, held = self.new_name(f"{app.label}_held"), self.chance.choice(fields)
        model.held.add(held)
        self.operation(draft, operation, model, argument.format(field=held, name=name))
        draft.word = draft.word or f"{model.name.lower()}_{name}"

    def run_python(self, app: App, draft: Draft) -> None:
        """Create rows with Python: undone, left as they are, or with no way back."""
        model = self.chance.choice(app.models)
        stem = f"{app.label}.{draft.number:04}."
        draft.functions = FUNCTIONS.format(app=app.label, model=model.name, stem=stem)
        ways = [", delete_rows", ", delete_rows", ", migrations.RunPython.noop"]
        if self.irreversible:
            ways.append("")
        draft.operations.append(f"migrations.RunPython(create_rows{self.chance.choice(ways)})")
        draft.word = f"{model.name.lower()}_rows"

    def run_sql(self, app: App, draft: Draft) -> None:
        """Change rows with SQL: as text or with parameters, undone or with no way back."""
        model = self.chance.choice(app.models)
        table = f"{app.label}_{model.name.lower()}"
        forwards = f"\"UPDATE {table} SET name = name WHERE name = 'nobody'\""
        rename = f"UPDATE {table} SET name = %s WHERE name = %s"
        ways = [
            f"{forwards}, reverse_sql=migrations.RunSQL.noop",
            f'{forwards}, reverse_sql="UPDATE {table} SET name = name WHERE 1 = 0"',
            f'[("{rename}", ["a", "nobody"])], reverse_sql=[("{rename}", ["nobody", "a"])]',
        ]
        if self.irreversible:
            ways.append(forwards)
        draft.operations.append(f"migrations.RunSQL({self.chance.choice(ways)})")
        draft.word = f"{model.name.lower()}_sql"

    def free_field(self, app: App, draft: Draft) -> tuple[Model, str | None]:
        """Return a model and a field of it that may change; without one, add a field and return None."""
        model = self.chance.choice(app.models)
        free = sorted(model.fields.keys() - model.held)
        if not free:
            self.add_field(app, draft)
            return model, None
        return model, self.chance.choice(free)

    def operation(self, draft: Draft, operation: str, model: Model, arguments: str) -> None:
        """Add one operation on `model` to `draft`."""
        draft.operations.append(f'migrations.{operation}(model_name="{model.name.lower()}", {arguments})')

    def new_name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        self.unique += 1
        return f"{stem}{self.unique}"

"""Sharp edges that are said in words: what has no SQL, names that are prefixes, who else is connected."""

from __future__ import annotations

from pathlib import Path

from djmig_tui import protocol as p
from tests.driver import driving
from tests.projects import SampleProject, make_project, migration_source
from tests.servers import connect

EVOLVED = '''"""A project's own migrate, with other options."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--evolve")

    def handle(self, *args, **options):
        raise SystemExit("not Django's migrate")
'''


def test_edge_04_what_has_no_sql_is_shown_as_what_it_is(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        irreversible = engine.sql("members", "0002_lower_case_emails")
        python = engine.sql("newsletter", "0002_confirm_subscribers")
        noop = engine.sql("stock", "0002_item_room")
    done = ready_site.manage("sqlmigrate", "members", "0002", "--backwards", check=False)
    assert "IrreversibleError" in done.stderr  # a traceback
    assert irreversible.sql is None
    assert "not reversible" in str(irreversible.error)
    assert [part.kind for part in irreversible.parts] == ["irreversible"]
    assert irreversible.parts[0].line is not None
    django = ready_site.manage("sqlmigrate", "newsletter", "0002", "--backwards").stdout
    assert python.sql == django
    assert "CANNOT BE WRITTEN AS SQL" in django
    assert "def " in python.parts[0].text
    assert "def " in python.shown
    assert [part.kind for part in noop.parts] == ["noop"]
    assert "nothing is restored" in noop.shown


def test_edge_43_a_name_that_is_the_beginning_of_another_is_addressed_exactly(tmp_path: Path) -> None:
    create = 'migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True))])'
    files = {
        "0001_initial": migration_source(create),
        "0001_initial_more": migration_source(
            'migrations.AddField("thing", "a", models.IntegerField(null=True))',
            needs=[("shop", "0001_initial")],
        ),
    }
    project = make_project(tmp_path, {"shop": files})
    project.migrate_all()
    refused = project.manage("sqlmigrate", "shop", "0001_initial", check=False)
    assert "more than one migration" in refused.stderr.lower()
    with driving(project) as engine:
        assert 'CREATE TABLE "shop_thing"' in str(engine.sql("shop", "0001_initial", backwards=False).sql)
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
    assert finished.error is None
    assert project.applied("shop") == ["0001_initial"]


def test_edge_47_a_migrate_of_another_kind_is_named_and_not_needed(ready_site: SampleProject) -> None:
    commands = ready_site.folder / "store" / "management" / "commands"
    commands.mkdir(parents=True)
    for package in (commands.parent, commands):
        (package / "__init__.py").write_text("")
    (commands / "migrate.py").write_text(EVOLVED)
    assert ready_site.manage("migrate", "store", "0003", check=False).returncode != 0
    with driving(ready_site) as engine:
        project = engine.ask(p.OpenProject())
        plan = engine.plan(p.BACK_TO, "store", "0003_change_price_field")
        finished = engine.run(plan)
    assert project.migrate_override == "store"
    assert any("store replaces `migrate`" in note for note in plan.notes)
    assert finished.error is None
    assert "0004_add_discount_field" not in ready_site.applied("store")


def test_edge_55_other_sessions_are_named_before_a_run(ready_vendor_site: SampleProject) -> None:
    project = ready_vendor_site
    if project.vendor == "sqlite":
        with driving(project) as engine:
            sessions = engine.ask(p.ListSessions("default"))
        assert sessions.sessions == () or sessions.why_not is None
        return
    other = connect(project.vendor, project.databases["default"])
    try:
        with driving(project) as engine:
            engine.history()
            sessions = engine.ask(p.ListSessions("default"))
    finally:
        other.close()
    assert len(sessions.sessions) >= 1
    assert all(session.user for session in sessions.sessions)

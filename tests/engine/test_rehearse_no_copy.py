"""Where no copy of a PostgreSQL database can be made, a rehearsal is one transaction and says why."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import ask, copies, prepared, rehearse, someone
from tests.engine.small import add, execute, shop
from tests.projects import SampleProject
from tests.servers import query

pytestmark = pytest.mark.usefixtures("postgresql")


@contextmanager
def owned_by_another_user(project: SampleProject, rights: str = "") -> Iterator[str]:
    """Have the project connect as a user with `rights`, who owns the database and all that is in it."""
    name = f"djmig_test_{uuid.uuid4().hex[:8]}"
    tables = project.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    query("postgresql", None, f"CREATE ROLE {name} LOGIN {rights}")
    execute(
        project,
        f"ALTER DATABASE {project.databases['default']} OWNER TO {name}",
        *(f"ALTER TABLE {table} OWNER TO {name}" for (table,) in tables),
    )
    with (project.folder / "config" / "settings.py").open("a") as file:
        file.write(f"\nDATABASES['default']['USER'] = {name!r}\n")
    try:
        yield name
    finally:
        execute(project, f"REASSIGN OWNED BY {name} TO CURRENT_USER", f"DROP OWNED BY {name}")
        query("postgresql", None, f"DROP ROLE {name}")


def test_without_the_right_to_create_databases_it_is_one_transaction_that_says_so(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        with owned_by_another_user(project), someone(project):
            rehearsal = rehearse(project)
            refused = rehearse(project, on=p.ON_COPY)
        assert copies(project) == []
    assert rehearsal.works, rehearsal
    assert rehearsal.where == "in one transaction that was rolled back"
    assert "No copy of the database was made, because this user may not create" in rehearsal.why_there
    assert "may not create a database like it" in str(refused.cannot)


def test_a_user_with_that_right_needs_no_other(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        with owned_by_another_user(project, "CREATEDB"):
            alone = rehearse(project, on=p.ON_COPY)
            with someone(project):
                not_alone = rehearse(project)
        assert copies(project) == []
    for rehearsal in (alone, not_alone):
        assert rehearsal.works, rehearsal
        assert rehearsal.where == "on a copy"
    assert alone.schema_diff == not_alone.schema_diff


def test_what_this_user_cannot_own_is_no_copy_as_the_rights_would_be_others(tmp_path: Path) -> None:
    """On a copy that is all its own a step could work that fails on the original."""
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        with owned_by_another_user(project, "CREATEDB") as user, someone(project):
            execute(project, "CREATE TABLE theirs (id integer)", f"GRANT ALL ON theirs TO {user}")
            rehearsal = rehearse(project)
        assert copies(project) == []
    assert rehearsal.where == "in one transaction that was rolled back"
    assert "because making it failed: pg_restore failed: " in rehearsal.why_there


def test_where_there_are_no_tools_it_is_one_transaction_that_says_so(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        project.env["PATH"] = str(tmp_path)
        with someone(project), driving(project) as engine:
            rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert rehearsal.works
        assert "because there is no pg_dump where the engine runs" in rehearsal.why_there


def test_a_copy_that_fails_half_way_leaves_the_one_transaction(tmp_path: Path) -> None:
    """A tool that breaks off: nothing of the copy is left, and the reason is the tool's own."""
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "pg_dump").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {shutil.which("pg_dump")} --version\n'
        'echo "error: disk full" >&2; exit 1\n'
    )
    (broken / "pg_dump").chmod(0o755)
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        path = project.env.get("PATH", os.environ["PATH"])
        project.env["PATH"] = f"{broken}:{path}"
        with someone(project), driving(project) as engine:
            rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert rehearsal.works
        assert rehearsal.where == "in one transaction that was rolled back"
        assert "No copy of the database was made, because making it failed: " in rehearsal.why_there
        assert copies(project) == []
        with someone(project), driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            refused = ask(engine, plan, on=p.ON_COPY)
            assert "making it failed" in str(refused.cannot)
            assert ask(engine, plan, on=p.ON_TRANSACTION).works, "nothing was run, so the engine goes on"


def test_where_the_transaction_does_not_do_either_both_reasons_are_told(tmp_path: Path) -> None:
    files = shop(add("first"), add("second"), loose=[3])
    with prepared(tmp_path, files, "postgresql") as project, owned_by_another_user(project):
        by_itself = rehearse(project)
        chosen = rehearse(project, on=p.ON_TRANSACTION)
    assert not by_itself.copy_instead
    assert not chosen.copy_instead
    for rehearsal in (by_itself, chosen):
        assert "step 1, shop.0003_step, because it says atomic = False" in str(rehearsal.cannot)
        assert "because this user may not create a database like it" in str(rehearsal.cannot)

"""Where no copy of a PostgreSQL database can be made, a rehearsal is one transaction and says why."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import ask, copies, prepared, rehearse, someone
from tests.engine.small import add, execute, shop
from tests.servers import query

pytestmark = pytest.mark.usefixtures("postgresql")


@pytest.fixture
def poor() -> Iterator[str]:
    """A user who may not create databases."""
    name = f"djmig_test_{uuid.uuid4().hex[:8]}"
    query("postgresql", None, f"CREATE ROLE {name} LOGIN")
    yield name
    query("postgresql", None, f"DROP ROLE {name}")


def test_without_the_right_to_create_databases_it_is_one_transaction_that_says_so(
    poor: str, tmp_path: Path
) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        name = project.databases["default"]
        owned = [
            row[0] for row in project.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        execute(
            project,
            f"GRANT ALL ON SCHEMA public TO {poor}",
            *(f"ALTER TABLE {table} OWNER TO {poor}" for table in owned),
        )
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(f"\nDATABASES['default']['USER'] = {poor!r}\n")
        with someone(project):
            rehearsal = rehearse(project)
            assert rehearsal.works, rehearsal
            assert rehearsal.where == "in one transaction that was rolled back"
            assert "No copy of the database was made, because this user may not create" in rehearsal.why_there
            refused = rehearse(project, on=p.ON_COPY)
            assert "may not create a database like it" in str(refused.cannot)
        execute(
            project,
            *(f"ALTER TABLE {table} OWNER TO CURRENT_USER" for table in owned),
            f"REVOKE ALL ON SCHEMA public FROM {poor}",
        )
        assert copies(project) == [], name


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

"""`djmig-tui verify` on the real bookshop, after things went wrong behind its back."""

from __future__ import annotations

from tests.end_to_end.program import Program, names
from tests.engine.breaking import execute
from tests.projects import SampleProject


def test_a_healthy_bookshop_agrees(program: Program, ready_site: SampleProject) -> None:
    before = names(ready_site.folder)
    ran = program.run(ready_site.folder, ready_site.env, "verify")
    assert (ran.code, ran.out) == (0, "20 tables looked at: schema and records agree.\n")
    archive = program.run(ready_site.folder, ready_site.env, "verify", "--database", "archive", "--json")
    assert (archive.code, archive.data["checked"], archive.data["error"]) == (0, 1, None)
    assert names(ready_site.folder) == before


def test_edge_01_a_faked_rollback_and_a_lost_column_are_named(
    program: Program, ready_site: SampleProject
) -> None:
    ready_site.manage("migrate", "store", "0003", "--fake")
    execute(ready_site, "ALTER TABLE members_member DROP COLUMN email")
    ran = program.run(ready_site.folder, ready_site.env, "verify", "--json")
    assert ran.code == 1
    assert [(each["table"], each["kind"], each["name"]) for each in ran.data["differences"]] == [
        ("members_member", "missing column", "email"),
        ("store_product", "extra column", "discount"),
    ]
    (half_done,) = ran.data["half_done"]
    assert (half_done["name"], half_done["recorded"]) == ("0004_add_discount_field", False)
    assert half_done["finish"] == "python manage.py migrate store 0004_add_discount_field --fake"
    members = program.run(ready_site.folder, ready_site.env, "verify", "members")
    assert members.code == 1
    assert "members_member.email is missing" in members.out
    assert "1 difference." in members.err
    fine = program.run(ready_site.folder, ready_site.env, "verify", "orders")
    assert fine.code == 0

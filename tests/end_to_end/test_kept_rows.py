"""Kept rows with the real program: a rollback, forward again, and every value is what it was."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.program import Program
from tests.end_to_end.terminal import Terminal
from tests.engine.small import execute, project_of, shop
from tests.projects import SampleProject

DISCOUNTS = "SELECT id, discount FROM store_product ORDER BY id"


def test_a_rollback_and_back_loses_nothing(program: Program, ready_vendor_site: SampleProject) -> None:
    site = ready_vendor_site
    before, discounts = site.rows(), site.query(DISCOUNTS)
    back = program.run(site.folder, site.env, "rollback", "store", "0002", "--yes", "--accept-loss", "--json")
    assert (back.code, back.data["error"]) == (0, None)
    listed = program.run(site.folder, site.env, "kept", "--json").data["kept"]
    assert [each["id"] for each in listed] == [back.data["kept"]]
    assert program.run(site.folder, site.env, "migrate", "--yes", "--accept-loss").code == 0
    assert site.query(DISCOUNTS) != discounts
    put = ("kept", "put-back", back.data["kept"])
    shown = program.run(site.folder, site.env, *put)
    assert shown.code == 1
    assert "gone" not in shown.out
    done = program.run(site.folder, site.env, *put, "--yes", "--json")
    assert (done.code, done.data.get("put_back", 0) > 0) == (0, True), done.data
    assert site.query(DISCOUNTS) == discounts
    for table in ("orders_order", "orders_orderline"):
        assert site.rows()[table] == before[table]
    assert program.run(site.folder, site.env, "kept", "delete", back.data["kept"], "--yes").code == 0
    assert program.run(site.folder, site.env, "kept", "--json").data["kept"] == []


def test_b_and_enter_put_back_what_was_kept(program: Program, tmp_path: Path, vendor: str) -> None:
    price = 'migrations.AddField("item", "price", models.IntegerField(null=True))'
    prices = "SELECT price FROM shop_item ORDER BY id"
    with project_of(tmp_path, shop(price), vendor) as project:
        project.migrate_all()
        execute(
            project, *(f"INSERT INTO shop_item (id, name, price) VALUES ({n}, 'x', {n})" for n in (1, 2, 3))
        )
        back = ("rollback", "shop", "0001", "--yes", "--accept-loss", "--keep-rows")
        assert program.run(project.folder, project.env, *back).code == 0
        with Terminal(program, project.folder, project.env, columns=80, lines=24) as terminal:
            terminal.wait_for("[ ] 0002_step")
            terminal.press("B")
            terminal.wait_for("kept rows", "Enter put back")
            terminal.press("\r")
            terminal.wait_for("shop.0002_step is not applied on default")
            project.manage("migrate", "shop")
            execute(project, "UPDATE shop_item SET price = 7 WHERE id = 3")
            terminal.press("\r")
            terminal.wait_for("Put back 2 kept rows and values?")
            assert project.query(prices) == [(None,), (None,), (7,)]
            terminal.press("y")
            terminal.wait_for("Put back 2 kept rows and values; 1 of 3 were not")
        assert project.query(prices) == [(1,), (2,), (7,)]

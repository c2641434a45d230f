"""Kept rows with the real program: a rollback, forward again, and every value is what it was."""

from __future__ import annotations

from tests.end_to_end.program import Program
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

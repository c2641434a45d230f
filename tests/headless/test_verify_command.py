"""What `djmig-tui verify` prints and how it ends, asked of the fake engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.interface.fake_engine import FakeEngine
from tui import headless
from tui.engine.errors import Failed
from tui.options import UsageError, parse
from tui.state import State

Run = Callable[..., tuple[int, str, str]]

DIFFERENCE = p.Difference(
    "store", "Product", "store_product", "missing column", "price", "numeric(8,2)", "", "price is missing"
)
HALF_DONE = p.HalfDone(
    "store",
    "0004_add_discount_field",
    recorded=False,
    operations=(
        p.OperationPlace("Add field discount to product", True, "without the index"),
        p.OperationPlace("Raw Python operation", None),
        p.OperationPlace("Add field sold to product", False),
    ),
    message="store.0004_add_discount_field is not recorded, but a part of it is there.",
    finish="ALTER TABLE store_product ADD sold;\n-- Then: python manage.py migrate store 0004 --fake",
    undo="ALTER TABLE store_product DROP discount;",
)
AGREES = p.Verification("default", 12, not_checked=("reports_totals is a view",))
WRONG = replace(AGREES, differences=(DIFFERENCE,), half_done=(HALF_DONE,))


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def run(engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*typed: str) -> tuple[int, str, str]:
        async def connect() -> FakeEngine:
            engine.closed = False
            return engine

        code = headless.run(connect, parse(typed), State(tmp_path / "state"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_schema_that_agrees_is_said_in_a_line_and_exits_0(engine: FakeEngine, run: Run) -> None:
    engine.answers["verify_schema"] = AGREES
    code, out, err = run("verify")
    assert (code, err) == (0, "")
    assert out == (
        "12 tables looked at: schema and records agree.\nNot told for sure: reports_totals is a view.\n"
    )
    assert p.VerifySchema("default", None) in engine.asked


def test_differences_are_named_and_exit_1(engine: FakeEngine, run: Run) -> None:
    engine.answers["verify_schema"] = WRONG
    code, out, err = run("verify", "store")
    assert code == 1
    assert err == (
        "djmig-tui: The schema of default does not agree with the records:"
        " 1 half-done migration, 1 difference.\n"
    )
    assert "price is missing.\n" in out
    assert "  [x] Add field discount to product (without the index)\n  [?] Raw Python operation\n" in out
    assert "  [ ] Add field sold to product\nTo finish it:\n  ALTER TABLE store_product ADD sold;\n" in out
    assert "To undo it:\n  ALTER TABLE store_product DROP discount;\n" in out
    assert p.VerifySchema("default", "store") in engine.asked


def test_json_has_the_shape_of_the_answer(engine: FakeEngine, run: Run) -> None:
    engine.answers["verify_schema"] = WRONG
    code, out, err = run("verify", "--json")
    assert (code, err) == (1, "")
    data = json.loads(out)
    assert data.keys() == {"database", "checked", "differences", "half_done", "not_checked", "error"}
    assert data["differences"][0]["kind"] == "missing column"
    assert [each["done"] for each in data["half_done"][0]["operations"]] == [True, None, False]
    engine.answers["verify_schema"] = AGREES
    code, out, err = run("verify", "--json")
    assert (code, json.loads(out)["error"], json.loads(out)["checked"]) == (0, None, 12)


def test_an_app_that_does_not_exist_is_a_usage_error(run: Run) -> None:
    code, _, err = run("verify", "stoer")
    assert code == 2
    assert "Did you mean store?" in err


def test_a_database_that_cannot_be_asked_is_said(engine: FakeEngine, run: Run) -> None:
    engine.errors["verify_schema"] = Failed("The database 'default' cannot be reached: no answer.")
    code, out, err = run("verify")
    assert (code, out) == (1, "")
    assert err == "djmig-tui: The database 'default' cannot be reached: no answer.\n"


def test_verify_takes_no_yes() -> None:
    with pytest.raises(UsageError):
        parse(["verify", "--yes"])

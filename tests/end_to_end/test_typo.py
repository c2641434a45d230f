"""The article's typo, `default='free'` on a DecimalField, from the failure to the fix, in one sitting."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.terminal import Terminal
from tests.projects import make_app, make_project, migration_source

FIRST = (
    'migrations.CreateModel("Product", [("id", models.BigAutoField(primary_key=True, serialize=False)),'
    ' ("name", models.CharField(max_length=20))])'
)
PRICE = "models.DecimalField(decimal_places=2, default={default}, max_digits=6)"
MODELS = """\
from django.db import models


class Product(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=20)
    price = {price}
"""


def models(default: str) -> str:
    return MODELS.format(price=PRICE.format(default=default))


def press_until(terminal: Terminal, key: str, words: str) -> None:
    """Press a key again until what it leads to is there: it says that it cannot act until then."""
    for _ in range(30):
        terminal.press(key)
        terminal.finish_frame()
        if words in terminal.text:
            return
        time.sleep(0.2)
    raise AssertionError(f"{key} never led to {words!r}; the screen:\n{terminal.text}")


@pytest.mark.timeout(180)
def test_edge_56_the_articles_typo_from_failure_to_fixed(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path, {})
    field = PRICE.format(default="'free'")
    files = {
        "0001_initial": migration_source(FIRST),
        "0002_product_price": migration_source(
            f'migrations.AddField("product", "price", {field})', needs=[("store", "0001_initial")]
        ),
    }
    migrations = make_app(project.folder, "store", files, models("'free'"))
    project.manage("migrate", "store", "0001")
    typo = migrations / "0002_product_price.py"
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("[X] 0001_initial", "[ ] 0002_product_price")

        # It fails, and nothing was changed: there is nothing to roll back.
        terminal.move_to("store.0002_product_price")
        terminal.press("m")
        terminal.wait_for("Migrate to 0002_product_price", "Cancel")
        terminal.press("R")
        terminal.wait_until(lambda: "Really?" in terminal.text or "How it ended" in terminal.text, "the run")
        if "Really?" in terminal.text:
            terminal.press("y")
        terminal.wait_for("How it ended", "free", "Nothing was changed")
        assert project.applied("store") == ["0001_initial"]
        terminal.press("\x1b")
        terminal.wait_for("[ ] 0002_product_price")

        # The file goes.
        terminal.move_to("store.0002_product_price")
        press_until(terminal, "d", "class Migration")  # a fresh engine is on its way
        terminal.press("D")
        terminal.wait_until(lambda: not typo.exists(), "the file's removal")

        # The model is mended, and the migration made again: by the real command, in the terminal.
        (project.folder / "store" / "models.py").write_text(models("0"))
        terminal.wait_for("[X] 0001_initial", without="[ ] 0002_product_price")
        press_until(terminal, "M", "Make migrations for")
        terminal.wait_for("Add field price to product", "What the dry run says")
        terminal.press("R")
        terminal.wait_until(typo.exists, "the new file")
        assert "default=0" in typo.read_text()
        terminal.wait_for("[ ] 0002_product_price")

        # And applied.
        terminal.move_to("store.0002_product_price")
        press_until(terminal, "m", "Migrate to 0002_product_price")
        terminal.wait_for("Cancel")
        terminal.press("R")
        terminal.wait_until(
            lambda: "0002_product_price" in project.applied("store") or "Really?" in terminal.text, "the run"
        )
        if "0002_product_price" not in project.applied("store"):
            terminal.press("y")
        terminal.wait_until(lambda: "0002_product_price" in project.applied("store"), "the migration")
        terminal.wait_for("How it ended")
        terminal.press("\x1b")
        terminal.wait_for("[X] 0002_product_price")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored()

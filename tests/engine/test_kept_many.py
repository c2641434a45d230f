"""A million kept rows take little memory, on both sides of the pipe and both ways."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.driver import Driver, driving
from tests.engine.keeping import Keeping, counts
from tests.engine.small import add, execute, project_of, shop

MANY = 1_000_000
#: What they may take at any moment, in bytes; the rows themselves take more than twice as much.
ROOM = 30_000_000

FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})"
    " INSERT INTO shop_item (id, name, a) SELECT i, 'item', 5000000 + i FROM n",
    "postgresql": "INSERT INTO shop_item (id, name, a)"
    " SELECT i, 'item', 5000000 + i FROM generate_series(1, {0}) AS i",
    "mysql": "INSERT INTO shop_item (id, name, a) SELECT seq, 'item', 5000000 + seq FROM seq_1_to_{0}",
}


def _peak(engine: Driver, *, reset: bool = False) -> int:
    """Return the most memory that the engine had since the last reset, in bytes."""
    found = [path for path in Path("/proc").glob("[0-9]*/environ") if _is_engine(path, engine)]
    (environ,) = found
    if reset:
        (environ.parent / "clear_refs").write_text("5")
    status = (environ.parent / "status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _is_engine(environ: Path, engine: Driver) -> bool:
    try:
        return environ.parent.joinpath("cwd").readlink() == engine.project.folder
    except OSError:
        return False


@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Only Linux tells.")
@pytest.mark.parametrize(
    "vendor",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.long),
        pytest.param("mysql", marks=pytest.mark.long),
    ],
    indirect=True,
)
def test_a_million_kept_rows_take_little_memory(vendor: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a")), vendor) as project:
        project.migrate_all()
        execute(project, FILL[vendor].format(MANY))
        with driving(project) as engine:
            keeping = Keeping(engine, tmp_path)
            engine.plan("back", "shop", "0001_initial")  # all is imported
            before = _peak(engine, reset=True)
            tracemalloc.start()
            try:
                entry = keeping.kept("0001_initial")
                _, ours = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert entry.rows == MANY
            assert ours < ROOM
            assert _peak(engine) - before < ROOM
        with driving(project) as engine:
            keeping.engine = engine
            engine.deadline = 300  # MariaDB takes half a million updates one by one
            keeping.forward()
            execute(project, "DELETE FROM shop_item WHERE id % 2 = 0")
            before = _peak(engine, reset=True)
            assert [counts(part) for part in keeping.put_back(entry)] == [
                {"match": MANY // 2, "gone": MANY // 2}
            ]
            assert _peak(engine) - before < ROOM
        assert project.query("SELECT count(*) FROM shop_item WHERE a = 5000000 + id") == [(MANY // 2,)]

"""`reset`, asked of the fake engine: who else is connected is named before the database goes."""

from __future__ import annotations

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.interface.fake_engine import FakeEngine

ANN = p.DatabaseSession("4242", user="ann", program="runserver", state="idle")


def test_who_is_connected_is_named_first_and_ended_only_where_that_was_agreed_to(
    run: Run, engine: FakeEngine
) -> None:
    engine.answers["list_sessions"] = p.Sessions((ANN,))
    typed = ("reset", "--project", "--yes", "--accept-loss", "--confirm", "db.sqlite3")
    refused = run(*typed)
    assert refused.code == 1
    assert "Connected now: session 4242 (ann, runserver)" in refused.out
    assert "add --end-sessions." in refused.err
    assert engine.writes == []
    assert run(*typed, "--end-sessions").code == 0
    assert isinstance(engine.writes[0], p.RecreateDatabase)
    assert run("reset", "store", "--yes").err.strip().endswith("add --accept-loss.")

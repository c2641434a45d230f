"""The way to the plan screen, from wherever a plan is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from djmig_tui.protocol import PreviewPlan

from ..taking_back import Errand
from .plan import PlanScreen

if TYPE_CHECKING:
    from ..app import DjmigApp


def open_plan(
    app: DjmigApp,
    request: PreviewPlan,
    then: Callable[[], None] | None = None,
    errand: Errand | None = None,
) -> None:
    """Show what an intent would do; `then` follows once it was run to its end."""

    def left(done: bool | None) -> None:
        if done and then is not None:
            then()

    app.push_screen(PlanScreen(app.session, request, read_only=app.read_only, errand=errand), left)

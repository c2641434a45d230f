"""The real program on the demo, with a user who moves the cursor; what is on the screen then, as SVG."""

from __future__ import annotations

import html
import os
import re
import shutil
import time
from collections.abc import Callable
from unittest import mock

from textual.pilot import Pilot

from tui.app import DjmigApp
from tui.engine.process import spawn
from tui.engines import Engines
from tui.messages import Where
from tui.screens.plan import PlanScreen
from tui.start import demo_launch, demo_state

SIZE = (120, 32)
SECONDS = 60

#: Whoever looks at the picture has one of these; nothing is fetched.
FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


async def draw() -> dict[str, str]:
    """Return file name → SVG. Makes a demo of its own and removes it."""
    with mock.patch.dict(os.environ, {"TZ": "UTC"}):
        time.tzset()
        launch = demo_launch()
        try:
            engines = Engines(launch, spawn(launch))
            where = Where(str(launch.root), launch.command, launch.how)
            app = DjmigApp(connect=engines.connect, where=where, state=demo_state(launch), demo=True)
            async with app.run_test(size=SIZE) as pilot:
                return await _pictures(app, pilot)
        finally:
            shutil.rmtree(launch.root.parent)


async def _pictures(app: DjmigApp, pilot: Pilot[int]) -> dict[str, str]:
    made = {}
    await _until(pilot, lambda: app.main.history is not None and app.main.history.complete)
    await pilot.press("slash", *"0003_change", "enter", "escape")
    await _until(pilot, lambda: app.main.node.migration is not None)
    await _rest(app, pilot)
    made["tree.svg"] = _local(app.export_screenshot(title="djmig-tui --demo"))
    await pilot.press("k", "k", "b")
    await _until(pilot, lambda: isinstance(app.screen, PlanScreen))
    await _rest(app, pilot)
    made["plan.svg"] = _local(app.export_screenshot(title="djmig-tui --demo: b on store.0001_initial"))
    return made


async def _rest(app: DjmigApp, pilot: Pilot[int]) -> None:
    """Wait until everything that was asked for is on the screen."""
    await pilot.pause()
    await _until(pilot, lambda: not any(worker.is_running for worker in app.workers))
    await pilot.pause()


async def _until(pilot: Pilot[int], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"This never came:\n{text_of(pilot.app.export_screenshot())}"
        await pilot.pause(0.02)


def _local(svg: str) -> str:
    """Return the picture with fonts of the reader's own machine, and without the chance in its names."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", FONTS)
    svg = re.sub(r"<!-- Generated with Rich.*?-->\s*", "", svg)
    return re.sub(r"terminal-\d+", "terminal-1", svg)


def text_of(svg: str) -> str:
    """Return what stands on a picture, a line each."""
    lines: dict[float, str] = {}
    for y, text in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>(.*?)</text>', svg, re.DOTALL):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return "\n".join(line.rstrip() for _, line in sorted(lines.items()))

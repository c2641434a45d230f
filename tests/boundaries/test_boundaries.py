"""Which side may import what, held by the tools, by clean interpreters and by the packaging."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ENGINE = sorted(path for path in (ROOT / "djmig_tui").rglob("*.py"))
INTERFACE = sorted(path for path in (ROOT / "tui").rglob("*.py"))
SHARED = {"djmig_tui", "djmig_tui.protocol", "djmig_tui.wire"}

pytestmark = pytest.mark.timeout(120)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules_after(code: str) -> set[str]:
    """Return `sys.modules` of a clean interpreter after it ran `code`."""
    code = (
        f"import sys; before = set(sys.modules)\n{code}\nimport json; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


# -- contracts
def test_the_import_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_lets_nothing_but_the_shared_modules_through() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each["forbidden_modules"] == ["djmig_tui.*"])
    allowed = {line.partition(" -> ")[2] for line in contract["ignore_imports"]}
    assert allowed == SHARED - {"djmig_tui"}  # the package itself holds the version only


# -- clean interpreters
def test_the_interface_imports_neither_django_nor_the_engine() -> None:
    names = [dotted(path) for path in INTERFACE if path.name != "__main__.py"]
    loaded = modules_after("".join(f"import {name}\n" for name in names))
    assert "textual" in packages(loaded)
    assert not packages(loaded) & {"django", "asgiref", "sqlparse"}
    assert {name for name in loaded if packages({name}) == {"djmig_tui"}} <= SHARED


def test_the_engine_imports_django_and_the_standard_library_alone() -> None:
    names = [dotted(path) for path in ENGINE if path.parent.name != "sample_site"]
    code = "from django.conf import settings; settings.configure(); import django; django.setup()\n"
    loaded = packages(modules_after(code + "".join(f"import {name}\n" for name in names)))
    allowed = {"django", "asgiref", "sqlparse", "typing_extensions", "djmig_tui"}
    foreign = {
        name for name in loaded - allowed if name not in sys.stdlib_module_names and not name.startswith("_")
    }
    assert foreign <= packages(modules_after("pass"))  # what the site itself brings in


def test_the_shared_modules_import_nothing_of_ours() -> None:
    loaded = modules_after("import djmig_tui.protocol, djmig_tui.wire")
    assert {name for name in loaded if packages({name}) & {"djmig_tui", "tui"}} == SHARED
    assert "django" not in packages(loaded)


def test_an_engine_is_spawned_before_anything_slow_is_imported() -> None:
    """What `djmig-tui` imports until the project's own Python is on its way."""
    loaded = modules_after("import tui.engine.discover, tui.engine.process")
    assert not packages(loaded) & {"textual", "rich", "asyncio", "concurrent", "django", "tomllib", "logging"}
    assert "djmig_tui.protocol" not in loaded


# -- sources
@pytest.mark.parametrize("path", ENGINE, ids=relative)
def test_the_engine_is_written_in_the_syntax_of_python_3_8(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", ENGINE + INTERFACE, ids=relative)
def test_a_package_refers_to_itself_relatively(path: Path) -> None:
    own = dotted(path).split(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").split(".")[0] != own, f"line {node.lineno}"
        if isinstance(node, ast.Import):
            assert own not in {alias.name.split(".")[0] for alias in node.names}, f"line {node.lineno}"


@pytest.mark.parametrize("path", ENGINE + INTERFACE, ids=relative)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


# -- packaging
def test_the_packages_list_is_what_there_is() -> None:
    folders = {
        "djmig_tui": ROOT / "djmig_tui",
        "djmig_tui.tui": ROOT / "tui",
        "djmig_tui.sample_site": ROOT / "sample_site",
    }
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    for name, folder in folders.items():
        if name == "djmig_tui.sample_site":
            continue  # data: its apps are files of a project that is copied, not imported
        for init in folder.rglob("__init__.py"):
            package = ".".join([name, *init.parent.relative_to(folder).parts])
            assert package in listed
    for package in listed:
        name = max((name for name in folders if f"{package}.".startswith(f"{name}.")), key=len)
        rest = package[len(name) :].strip(".").split(".")
        assert folders[name].joinpath(*filter(None, rest)).is_dir(), package


def test_every_stylesheet_lies_beside_a_package_that_ships_it() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for sheet in (ROOT / "tui").rglob("*.tcss"):
        package = ".".join(["djmig_tui", "tui", *sheet.parent.relative_to(ROOT / "tui").parts])
        assert "*.tcss" in data.get(package, []), sheet


def test_drawing_is_looked_for_often_enough_and_nobody_inherits_that() -> None:
    code = (
        "import os; from tui import cli; cli._draw_often(); from textual.constants import MAX_FPS; "
        "print(MAX_FPS, os.environ.get('TEXTUAL_FPS'))"
    )
    for theirs, expected in ((None, "120 None"), ("30", "30 30")):
        environ = {**os.environ} if theirs is None else {**os.environ, "TEXTUAL_FPS": theirs}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        )
        assert done.stdout.split("\n")[0] == expected, done.stderr


#: What tells which key to press: the engine also speaks on the command line, where there are no keys.
KEY_HINT = re.compile(
    r"\bpress [a-zA-Z]\b|(?<= )\(([a-zA-Z]|[a-zA-Z] on [^)]*)\)|\b[a-zA-Z] on (it|the|each)\b"
)


@pytest.mark.parametrize("path", ENGINE, ids=relative)
def test_the_engine_names_no_keys(path: Path) -> None:
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    assert [text for text in texts if KEY_HINT.search(text)] == []

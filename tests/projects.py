"""Django projects for tests: the bookshop, generated ones of any size, and tiny ones written per test.

Each is a folder of its own with databases of its own. Django runs in another process, as it does for
users; what is in the databases is read with the vendor's driver, see `tests.dumps`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.generated import write_apps
from tests.sample_project import SampleProject, drop_leftovers, register
from tests.servers import server
from tests.sources import MANAGE, PYMYSQL, SETTINGS, migration_source

__all__ = [
    "SIZES",
    "SampleProject",
    "clone",
    "copy_sample_site",
    "drop_leftovers",
    "generate",
    "make_app",
    "make_project",
    "migration_source",
]

SAMPLE_SITE = Path(__file__).resolve().parent.parent / "sample_site"

#: Total number of migrations → (apps, migrations of each), for the benchmarks' projects.
SIZES = {20: (2, 10), 200: (10, 20), 600: (30, 20), 5000: (100, 50)}


def copy_sample_site(tmp_path: Path, vendor: str = "sqlite") -> SampleProject:
    """Copy the bookshop to `tmp_path`/bookshop_site, with two empty databases."""
    folder = tmp_path / "bookshop_site"
    shutil.copytree(SAMPLE_SITE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    project = register(folder, vendor, {"default": "db.sqlite3", "archive": "archive.sqlite3"})
    project.env["BOOKSHOP_VENDOR"] = vendor
    project.env["BOOKSHOP_NAME"] = project.databases["default"]
    project.env["BOOKSHOP_ARCHIVE_NAME"] = project.databases["archive"]
    if vendor != "sqlite":
        at = server(vendor)
        project.env.update(
            BOOKSHOP_HOST=at.host,
            BOOKSHOP_PORT=str(at.port),
            BOOKSHOP_USER=at.user,
            BOOKSHOP_PASSWORD=at.password,
        )
    return project


def clone(project: SampleProject, tmp_path: Path, name: str = "clone") -> SampleProject:
    """Copy a project, its folder and its databases, to `tmp_path`/`name`.

    The folder's files are copied as they are; only the environment of a copied bookshop and the
    settings of a made project name the databases, and both are written anew.
    """
    folder = tmp_path / name
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    files = {alias: Path(name).name for alias, name in project.databases.items()}
    copy = register(folder, project.vendor, files)
    copy.python = project.python
    copy.env.update({key: value for key, value in project.env.items() if key.startswith("BOOKSHOP_")})
    if "BOOKSHOP_NAME" in project.env:
        copy.env["BOOKSHOP_NAME"] = copy.databases["default"]
        copy.env["BOOKSHOP_ARCHIVE_NAME"] = copy.databases["archive"]
    else:
        settings = folder / "config" / "settings.py"
        text = settings.read_text()
        for alias, old in project.databases.items():
            text = text.replace(repr(old), repr(copy.databases[alias]))
        settings.write_text(text)
    copy.reset_to(project)
    return copy


def generate(
    tmp_path: Path,
    apps: int = 10,
    per_app: int = 20,
    vendor: str = "sqlite",
    seed: int = 1,
    *,
    irreversible: bool = False,
) -> SampleProject:
    """Write a project of `apps` x `per_app` migrations of every common kind, the same for the same seed.

    Without `irreversible` everything can be rolled back to zero, rows included.
    """
    project = make_project(tmp_path, {}, vendor, name=f"generated_{apps}_{per_app}")
    labels = write_apps(project.folder, apps, per_app, seed, irreversible)
    _install(project.folder, labels)
    return project


def make_project(
    tmp_path: Path,
    apps: Mapping[str, Mapping[str, str]],
    vendor: str = "sqlite",
    *,
    name: str = "project",
    aliases: Sequence[str] = ("default",),
) -> SampleProject:
    """Write a minimal project with `apps`: label → migration's name → source. See `make_app`."""
    folder = tmp_path / name
    (folder / "config").mkdir(parents=True)
    project = register(folder, vendor, {alias: f"{alias}.sqlite3" for alias in aliases})
    (folder / "manage.py").write_text(MANAGE)
    (folder / "config" / "__init__.py").write_text("")
    (folder / "config" / "settings.py").write_text(
        SETTINGS.format(
            apps=[],
            databases={alias: _entry(vendor, name) for alias, name in project.databases.items()},
            driver=PYMYSQL if vendor == "mysql" else "",
        )
    )
    for label, files in apps.items():
        make_app(folder, label, files)
    return project


def make_app(folder: Path, label: str, files: Mapping[str, str], models: str = "") -> Path:
    """Write an app with migrations `files`: name → source, and install it; return its migrations folder."""
    migrations = folder / label / "migrations"
    migrations.mkdir(parents=True)
    (folder / label / "__init__.py").write_text("")
    (folder / label / "models.py").write_text(models)
    (migrations / "__init__.py").write_text("")
    for name, source in files.items():
        (migrations / f"{name}.py").write_text(source, encoding="utf-8")
    _install(folder, [label])
    return migrations


def _install(folder: Path, labels: Sequence[str]) -> None:
    with (folder / "config" / "settings.py").open("a") as settings:
        settings.write(f"INSTALLED_APPS += {list(labels)!r}\n")


def _entry(vendor: str, name: str) -> dict[str, object]:
    if vendor == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    at = server(vendor)
    return {
        "ENGINE": f"django.db.backends.{vendor}",
        "NAME": name,
        "HOST": at.host,
        "PORT": str(at.port),
        "USER": at.user,
        "PASSWORD": at.password,
        "OPTIONS": {"charset": "utf8mb4"} if vendor == "mysql" else {},
    }

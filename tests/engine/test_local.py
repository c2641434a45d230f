"""Which databases count as a developer's own: what the driver really connects to decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.projects import make_project
from tests.sources import PYMYSQL

FAR = "203.0.113.9"
POSTGRESQL = {"PGHOST": "", "PGHOSTADDR": "", "PGPORT": "", "PGSERVICE": ""}
MYSQL = {"MYSQL_TCP_PORT": "", "MYSQL_UNIX_PORT": ""}


def where(
    tmp_path: Path,
    vendor: str,
    given: dict[str, Any],
    env: dict[str, str] | None = None,
    local_hosts: tuple[str, ...] = (),
) -> tuple[str, bool]:
    """Return what the project's page says of an entry of DATABASES: its host, and whether it is local."""
    project = make_project(tmp_path, {})
    project.env.update({**POSTGRESQL, **MYSQL, **(env or {})})
    entry = {"ENGINE": f"django.db.backends.{vendor}", "NAME": "shop", **given}
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(f"{PYMYSQL if vendor == 'mysql' else ''}\nDATABASES['there'] = {entry!r}\n")
    with driving(project) as engine:
        opened: p.Project = engine.ask(p.OpenProject(local_hosts=local_hosts))
    (found,) = [one for one in opened.databases if one.alias == "there"]
    return found.host, found.local


@pytest.mark.parametrize(
    ("given", "env", "answer"),
    [
        ({}, {}, ("", True)),
        ({"HOST": "127.0.0.1", "PORT": "5432"}, {}, ("127.0.0.1:5432", True)),
        ({"HOST": "127.0.0.1", "PORT": "5433"}, {}, ("127.0.0.1:5433", False)),
        ({"HOST": "/var/run/postgresql"}, {}, ("/var/run/postgresql", True)),
        ({"HOST": "/cloudsql/shop:europe:prod"}, {}, ("/cloudsql/shop:europe:prod", False)),
        ({}, {"PGHOST": "db.example.com"}, ("db.example.com", False)),
        ({"HOST": "localhost"}, {"PGHOST": "db.example.com"}, ("localhost", True)),
        ({"HOST": "localhost"}, {"PGHOSTADDR": FAR}, (FAR, False)),
        ({"HOST": "localhost"}, {"PGPORT": "5433"}, ("localhost:5433", False)),
        ({"HOST": "localhost"}, {"PGSERVICE": "prod"}, ("prod", False)),
        ({"HOST": "localhost", "OPTIONS": {"service": "prod"}}, {}, ("prod", False)),
        ({"HOST": "localhost", "OPTIONS": {"hostaddr": FAR}}, {}, (FAR, False)),
        ({"HOST": "db", "OPTIONS": {"hostaddr": "::1"}}, {}, ("::1", True)),
        ({"OPTIONS": {"host": "db.example.com"}}, {}, ("db.example.com", False)),
        ({"HOST": "localhost", "OPTIONS": {"port": 5433}}, {}, ("localhost:5433", False)),
        ({"HOST": "localhost,db.example.com"}, {}, ("localhost", False)),
    ],
    ids=str,
)
def test_postgresql_is_where_libpq_connects_to(
    tmp_path: Path, given: dict[str, Any], env: dict[str, str], answer: tuple[str, bool]
) -> None:
    assert where(tmp_path, "postgresql", given, env) == answer


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"HOST": "127.0.0.1", "PORT": "3306"}, ("127.0.0.1:3306", True)),
        ({"HOST": "/run/mysqld/mysqld.sock"}, ("/run/mysqld/mysqld.sock", True)),
        ({"HOST": "127.0.0.1", "OPTIONS": {"host": FAR}}, (FAR, False)),
        ({"HOST": "127.0.0.1", "OPTIONS": {"port": 3307}}, ("127.0.0.1:3307", False)),
        ({"PORT": "3307"}, (":3307", False)),
        ({"OPTIONS": {"unix_socket": "/cloudsql/shop:europe:prod"}}, ("/cloudsql/shop:europe:prod", False)),
        ({"OPTIONS": {"read_default_group": "client"}}, ("client", False)),
        ({"OPTIONS": {"read_default_file": "nowhere.cnf"}}, ("nowhere.cnf", False)),
    ],
    ids=str,
)
def test_mysql_is_where_its_options_lead(
    tmp_path: Path, given: dict[str, Any], answer: tuple[str, bool]
) -> None:
    assert where(tmp_path, "mysql", given) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("[client]\nhost = 127.0.0.1\nport = 3306\n", ("127.0.0.1:3306", True)),
        ("[client]\ndatabase = 'shop'\n[mysqld]\nhost = db.example.com\n", ("", True)),
        ('[client]\nhost = "db.example.com"  # ours\n', ("db.example.com", False)),
        ("[client]\nport = 3307\n", (":3307", False)),
        ("[client]\nhost = localhost\n!include /etc/mysql/prod.cnf\n", ("my.cnf", False)),
        ("[client]\nhost = localhost\n[prod]\nhost = db.example.com\n", ("db.example.com", False)),
        ("no option file", ("my.cnf", False)),
    ],
    ids=str,
)
def test_an_option_file_of_mysql_is_read(tmp_path: Path, text: str, answer: tuple[str, bool]) -> None:
    (tmp_path / "project").mkdir()
    path = tmp_path / "my.cnf"
    path.write_text(text)
    options = {"read_default_file": str(path), **({"read_default_group": "prod"} if "[prod]" in text else {})}
    host, local = where(tmp_path / "project", "mysql", {"OPTIONS": options})
    assert (host.replace(str(path), "my.cnf"), local) == answer


def test_a_host_that_the_user_names_counts_as_local(tmp_path: Path) -> None:
    named = ("db.office.example",)
    given = {"HOST": "db.office.example", "PORT": "6432"}
    assert where(tmp_path, "postgresql", given, local_hosts=named) == ("db.office.example:6432", True)


def test_an_address_beside_a_host_that_the_user_names_does_not(tmp_path: Path) -> None:
    given = {"HOST": "db.office.example", "OPTIONS": {"hostaddr": FAR}}
    assert where(tmp_path, "postgresql", given, local_hosts=("db.office.example",)) == (FAR, False)

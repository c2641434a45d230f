"""Resets where apps need each other: a swapped user model, foreign keys in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import need_server
from tests.end_to_end.program import Program
from tests.end_to_end.starting_over import is_unfinished, reset, state_of
from tests.engine.small import execute
from tests.projects import SampleProject, make_app, make_project
from tests.servers import VENDORS

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

PEOPLE = """\
from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    nick = models.CharField(default="", max_length=20)
"""
LIKES = '    likes = models.ForeignKey("notes.Note", models.SET_NULL, null=True, related_name="+")\n'
NOTES = """\
from django.conf import settings
from django.db import models


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
"""
BADGES = """\
from django.conf import settings
from django.db import models


class Badge(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
"""
SETTINGS = """
INSTALLED_APPS += ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.admin"]
AUTH_USER_MODEL = "people.Person"
SILENCED_SYSTEM_CHECKS = ["admin.E403", "admin.E404", "admin.E406", "admin.E408", "admin.E409", "admin.E410"]
"""
ADMIN = ["0001_initial", "0002_logentry_remove_auto_add", "0003_logentry_add_action_flag_choices"]
FILL = """
from people.models import Person
from notes.models import Note
from badges.models import Badge
ann = Person.objects.create(username="ann")
ann.likes = Note.objects.create(author=ann)
ann.save()
Badge.objects.create(owner=ann)
"""


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    need_server(name)
    return name


@contextmanager
def people(folder: Path, vendor: str, **models: str) -> Iterator[SampleProject]:
    """Make a project whose users are its own, with admin; `models` are those of its apps."""
    project = make_project(folder, {}, vendor)
    for label, source in models.items():
        make_app(project.folder, label, {}, source)
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    project.manage("makemigrations")
    project.migrate_all()
    try:
        yield project
    finally:
        project.drop()


@pytest.fixture
def project(vendor: str, tmp_path: Path) -> Iterator[SampleProject]:
    """Notes and users point at each other; badges and admin point at users."""
    with people(tmp_path, vendor, people=PEOPLE + LIKES, notes=NOTES, badges=BADGES) as project:
        project.run_python(FILL)
        yield project


def expect_sound_and_take_back(program: Program, project: SampleProject, before: object) -> None:
    """Expect that schema and records agree, and that taking the reset back leaves what was there before."""
    assert program.run(project.folder, project.env, "verify").code == 0
    ran = program.run(project.folder, project.env, "take-back", "--yes", "--accept-loss")
    assert ran.code == 0, ran
    assert state_of(project) == before


def test_an_app_in_a_circle_is_refused_before_the_first_step_and_the_project_starts_over(
    program: Program, project: SampleProject
) -> None:
    before = state_of(project)
    for app, other in (("notes", "people"), ("people", "notes")):
        for how in ((), ("--keep-data",)):
            error = reset(program, project, app, *how, "--yes", "--accept-loss", code=1)
            assert f"depends on {app}" in error
            assert other in error
            assert "Reset the whole project instead" in error
    assert not is_unfinished(program)
    assert state_of(project) == before
    reset(program, project, "--project", "--yes", "--accept-loss", "--confirm", project.databases["default"])
    assert project.query("SELECT count(*) FROM people_person") == [(0,)]
    assert project.applied("admin") == ADMIN
    assert "No changes detected" in project.manage("makemigrations", "--check").stdout
    expect_sound_and_take_back(program, project, before)


def test_what_points_at_users_starts_over_alone(program: Program, project: SampleProject) -> None:
    before = state_of(project)
    reset(program, project, "badges", "--yes", "--accept-loss")
    assert project.query("SELECT count(*) FROM badges_badge") == [(0,)]
    assert project.query("SELECT count(*) FROM people_person") == [(1,)]
    expect_sound_and_take_back(program, project, before)


def test_users_of_the_projects_own_start_over_with_all_that_points_at_them(
    program: Program, vendor: str, tmp_path: Path
) -> None:
    with people(tmp_path, vendor, people=PEOPLE, badges=BADGES) as project:
        project.run_python(
            "from people.models import Person; from badges.models import Badge;"
            " Badge.objects.create(owner=Person.objects.create(username='ann'))"
        )
        assert project.applied("badges") == ["0001_initial", "0002_initial"]  # the second one adds the key
        error = reset(program, project, "people", "--yes", "--accept-loss", code=1)
        assert "what it adds to badges_badge may not be empty and has no default" in error
        execute(project, "DELETE FROM badges_badge")
        before = state_of(project)
        reset(program, project, "people", "--yes", "--accept-loss")
        assert project.query("SELECT count(*) FROM people_person") == [(0,)]
        assert project.applied("people") == ["0001_initial"]
        assert project.applied("admin") == ADMIN
        assert "No changes detected" in project.manage("makemigrations", "--check").stdout
        expect_sound_and_take_back(program, project, before)
        reset(program, project, "people", "--keep-data", "--yes")
        assert project.query("SELECT username FROM people_person") == [("ann",)]
        assert project.applied("people") == ["0001_initial"]

"""The README's pictures show the program as it is."""

from __future__ import annotations

import re
from pathlib import Path

import django
import pytest

from tests.pictures.drawing import draw, text_of

FOLDER = Path(__file__).parent
PICTURES = sorted(FOLDER.glob("*.svg"))


def told(svg: str) -> str:
    """Return what stands on a picture without what differs from day to day and machine to machine."""
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "DATE", text_of(svg))
    text = re.sub(r"Python [\d.]+ · Django [\d.]+|SQLite [\d.]+|up to [\d.,]+ [kM]?B", "VERSIONS", text)
    return re.sub(r"\s+", " ", text)


async def test_the_pictures_show_the_program_as_it_is() -> None:
    kept = {picture.name: picture.read_text("utf-8") for picture in PICTURES}
    drawn_with = re.search(r"Django (\d+\.\d+)", text_of(kept["tree.svg"]))
    assert drawn_with
    if drawn_with[1] != "{}.{}".format(*django.VERSION):
        pytest.skip(f"Django {drawn_with[1]}, with which they were drawn, writes other SQL.")
    drawn = await draw()
    assert set(kept) == set(drawn)
    for name, svg in drawn.items():
        assert told(kept[name]) == told(svg), f"{name} is out of date: python -m tests.pictures draws it."


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_fetches_nothing(picture: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", picture.read_text("utf-8")))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of the format
    assert "@font-face" not in picture.read_text("utf-8")

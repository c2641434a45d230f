"""`python -m tests.pictures [FOLDER]`: draw the README's pictures anew, from the program running its demo."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.pictures.drawing import draw

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent
    for name, picture in asyncio.run(draw()).items():
        (folder / name).write_text(picture, "utf-8")
        print(folder / name)

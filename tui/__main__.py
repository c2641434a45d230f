"""`python -m tui` in the checkout: the same as the installed `djmig-tui`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())

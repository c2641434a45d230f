"""What `djmig-tui reset` takes."""

from __future__ import annotations

import argparse


def add_reset(parser: argparse.ArgumentParser) -> None:
    """Add what a reset takes, without --yes and the consents that others take too."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("app", nargs="?", metavar="APP")
    what.add_argument(
        "--project", action="store_true", help="a new database, and all own migrations made anew"
    )
    what.add_argument("--finish", action="store_true", help="go on with a reset that was cut off")
    what.add_argument("--put-back", action="store_true", help="put back all that such a reset has done")
    parser.add_argument(
        "--keep-data",
        action="store_true",
        help="make the app's migrations anew and keep its tables as they are",
    )
    parser.add_argument(
        "--drop-tables",
        action="store_true",
        help="also if an app's tables must be dropped to get rid of them",
    )
    parser.add_argument(
        "--end-sessions", action="store_true", help="with --project: end others that are connected"
    )

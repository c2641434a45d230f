#!/usr/bin/env python
"""Run Django's commands on the bookshop."""

import os
import sys


def main():
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bookshop.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise ImportError("Django is not installed in this Python: %s" % sys.executable) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

"""The Django side of djmig-tui: everything that needs the project's own Python."""

__version__ = "0.1.0"

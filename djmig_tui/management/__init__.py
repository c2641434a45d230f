"""Django looks here for `manage.py djmig`, when djmig-tui is in INSTALLED_APPS."""

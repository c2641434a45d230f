"""Settings of the bookshop: two databases, on SQLite unless the environment says otherwise.

BOOKSHOP_VENDOR is sqlite, postgresql or mysql; BOOKSHOP_NAME and BOOKSHOP_ARCHIVE_NAME name the two
databases; BOOKSHOP_HOST, BOOKSHOP_PORT, BOOKSHOP_USER and BOOKSHOP_PASSWORD say where they are.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "a-bookshop-that-sells-nothing"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "store",  # the shelf: four plain migrations
    "orders",  # needs store and auth: goes when they go
    "authors",  # two branches and their merge
    "reviews",  # three migrations squashed into one
    "members",  # a change of data that has no way back
    "loyalty",  # Python hidden inside SeparateDatabaseAndState
    "stock",  # a migration outside a transaction
    "vouchers",  # a way back that fails while there are rows
    "newsletter",  # a way back that prints and asks
    "suppliers",  # SQL with and without a way back
    "ledger",  # lives in the second database
    "reports",  # no models, no migrations
]

VENDOR = os.environ.get("BOOKSHOP_VENDOR", "sqlite")


def database(variable, name):
    """Return one entry of DATABASES; `variable` may name another database than `name`."""
    if VENDOR == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get(variable, BASE_DIR / ("%s.sqlite3" % name)),
        }
    return {
        "ENGINE": "django.db.backends.%s" % VENDOR,
        "NAME": os.environ.get(variable, "bookshop_%s" % name),
        "HOST": os.environ.get("BOOKSHOP_HOST", "127.0.0.1"),
        "PORT": os.environ.get("BOOKSHOP_PORT", ""),
        "USER": os.environ.get("BOOKSHOP_USER", {"postgresql": "postgres", "mysql": "root"}[VENDOR]),
        "PASSWORD": os.environ.get("BOOKSHOP_PASSWORD", ""),
        # Django 4.2 would connect with three-byte characters, and a title holds one of four.
        "OPTIONS": {"charset": "utf8mb4"} if VENDOR == "mysql" else {},
    }


if VENDOR == "mysql":
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        import pymysql

        # Django asks for a mysqlclient at least this new; PyMySQL stands in for it.
        pymysql.version_info = (2, 2, 7, "final", 0)
        pymysql.install_as_MySQLdb()

DATABASES = {
    "default": database("BOOKSHOP_NAME", "db"),
    "archive": database("BOOKSHOP_ARCHIVE_NAME", "archive"),
}
DATABASE_ROUTERS = ["bookshop.router.ArchiveRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

"""Which app lives in which database."""

ARCHIVED = {"ledger"}


class ArchiveRouter:
    """The ledger lives in `archive`, everything else in `default`."""

    def db_for_read(self, model, **hints):
        return "archive" if model._meta.app_label in ARCHIVED else None

    def db_for_write(self, model, **hints):
        return self.db_for_read(model)

    def allow_relation(self, first, second, **hints):
        return self.db_for_read(type(first)) == self.db_for_read(type(second))

    def allow_migrate(self, db, app_label, **hints):
        return (db == "archive") == (app_label in ARCHIVED)

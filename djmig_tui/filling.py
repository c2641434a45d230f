"""What Django fills columns with that kept rows do not have, because a later migration made them."""

from typing import Any, Dict

from django.db import models

from .alterations import database_default, effective_default, prepared
from .changes import column_name, table_name
from .routes import PlanExecutor


def fillings(loader: Any, connection: Any) -> Dict[str, Dict[str, Any]]:
    """Return table → column → value, for the models as the applied migrations make them; no NULLs."""
    executor: Any = PlanExecutor(connection, loader)
    state = executor._create_project_state(with_applied_migrations=True)
    found: Dict[str, Dict[str, Any]] = {}
    for model in state.models.values():
        if model.options.get("proxy"):
            continue
        values = found.setdefault(table_name(model, connection), {})
        for name, field in model.fields.items():
            if isinstance(field, models.ManyToManyField) or database_default(field):
                continue
            value = effective_default(field)
            if value is not None:
                values[column_name(name, field)] = prepared(field, value, connection)
    return found

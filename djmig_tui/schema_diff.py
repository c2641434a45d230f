"""Two schemas compared, as people read it: a unified diff with a heading for each table."""

import difflib
from typing import Dict, List

#: Table or other object → its lines.
Schema = Dict[str, List[str]]

#: Lines that are shown around each difference.
AROUND = 3


def schema_diff(before: Schema, after: Schema) -> str:
    """Return what is different, an empty text if nothing is."""
    lines: List[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = _block(before, name), _block(after, name)
        if old == new:
            continue
        lines.append("@@ %s @@" % name)
        if old and new:
            del old[0], new[0]  # it is in the heading
        hunks = list(difflib.unified_diff(old, new, n=AROUND, lineterm=""))[2:]
        lines.extend("..." if line.startswith("@@") else line for line in hunks[1:])
    return "\n".join(["--- before", "+++ after", *lines]) + "\n" if lines else ""


def _block(schema: Schema, name: str) -> List[str]:
    if name not in schema:
        return []
    return [name] + ["    " + line for line in schema[name]]

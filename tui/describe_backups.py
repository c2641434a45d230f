"""Says in words what a backup holds and what became of the database since."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from textual.content import Content

from djmig_tui.protocol import BackupMeans, Database, History, KeptDatabase, RestoreFinished

from .describe import bullets, describe_trouble, section, stack
from .journal import recorded
from .store import BackupEntry
from .text import count, one_line, sentence, size_in_words, when

_MUTED = "$foreground 60%"
#: Tables that are listed before the rest is counted.
LISTED = 40


def entry_line(entry: BackupEntry) -> Content:
    """Return one backup on one line."""
    return Content.assemble(
        (when(entry.at), "bold"),
        f"  {one_line(entry.database)}",
        (f"  {size_in_words(entry.size)}", "$accent"),
        (f"  {one_line(entry.reason, 80)}", _MUTED),
    )


def kept_line(kept: KeptDatabase) -> Content:
    """Return one database that a restore replaced on one line."""
    return Content.assemble(
        (when(kept.replaced_at), "bold"),
        ("  replaced  ", "$warning"),
        one_line(kept.name, 80),
        (f"  {size_in_words(kept.size)}" if kept.size is not None else "", "$accent"),
    )


def describe_entry(entry: BackupEntry, history: History | None, by_hand: str) -> Content:
    """Return what a backup is; `by_hand` is the command that restores it without us."""
    rows = sum(table.rows for table in entry.tables)
    holds = (count(len(entry.tables), "table"), count(rows, "row"))
    facts = [
        f"made {when(entry.at)}: {entry.reason}",
        f"of {entry.name}{f' on {entry.host}' if entry.host else ''} ({entry.server})",
        f"{size_in_words(entry.size)}, by {', '.join(entry.tools)}",
        f"{', '.join(holds)}; {count(len(entry.records), 'migration')} applied",
    ]
    return stack(
        section("The backup", [Content(one_line(fact, 300)) for fact in facts]),
        section("Against the database now", _against(entry, history)),
        section("Where it is", [Content(one_line(entry.path, 500))]),
        section("The same by hand", [Content.assemble(("$ ", "$primary"), one_line(by_hand, 500))]),
        section("Rows by table", _tables(entry)),
    )


def _against(entry: BackupEntry, history: History | None) -> Iterable[Content]:
    if history is None or history.database != entry.database:
        yield Content(
            f"Of another database than the one shown: look at {one_line(entry.database)} first (A)."
        )
        return
    now, then = recorded(history), frozenset(entry.records)
    if now == then:
        yield Content("The same migrations are applied.")
    for names, words in (
        (now - then, "applied since, and not in it"),
        (then - now, "undone since, and in it"),
    ):
        if names:
            listed = ", ".join(sorted(names)[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            yield Content(f"{count(len(names), 'migration')} {words}: {one_line(listed, 300)}")


def _tables(entry: BackupEntry) -> Iterable[Content]:
    for table in entry.tables[:LISTED]:
        about = "" if table.exact else "about "
        yield Content.assemble(
            (f"{about + format(table.rows, ','):>14}", "bold"), f"  {one_line(table.table)}"
        )
    if len(entry.tables) > LISTED:
        yield Content(f"{'':>14}  and {len(entry.tables) - LISTED:,} more")


def describe_kept(kept: KeptDatabase) -> Content:
    """Return what a database that a restore replaced is for."""
    return stack(
        section(
            "A database that a restore replaced",
            [
                Content(f"{one_line(kept.name, 200)}, replaced {when(kept.replaced_at)}."),
                Content("It is kept on the server until you delete it (D)."),
                Content("Enter puts it back in its place; the one that is there now is kept in its stead."),
            ],
        )
    )


def describe_none(means: BackupMeans | None) -> Content:
    """Return what stands where there are no backups."""
    if means is None:
        return Content("There are no backups of this project yet.")
    if means.why_not is not None:
        return stack(describe_trouble(means.why_not), Content(), _own_command() if means.missing else [])
    size = f"up to {size_in_words(means.size)}" if means.size else "of unknown size"
    how = f"{size}, by {', '.join(means.tools)}"
    text = Content(f"There are no backups of this database yet. m makes one: {how}.")
    return stack(text, *(Content(note) for note in means.notes))


def _own_command() -> list[Content]:
    return section(
        "Where the tool is in a container",
        [
            Content("Name a command in the project's pyproject.toml, which writes the backup to its output:"),
            Content("  [tool.djmig-tui.backup]"),
            Content('  dump = ["docker", "compose", "exec", "-T", "db", "pg_dump", "-Fc", …]'),
        ],
    )


def by_hand(entry: BackupEntry, database: Database | None) -> str:
    """Return the command that would restore it without us, over what the alias is today."""
    name, host = (entry.name, entry.host) if database is None else (database.name, database.host)
    path = quote(entry.path)
    if entry.format == "sqlite":  # a log that stayed would be played into the old file
        beside = " ".join(quote(name + end) for end in ("-wal", "-shm", "-journal"))
        return f"rm -f {beside} && cp {path} {quote(name)}   # once nothing uses the file any more"
    if entry.format == "pg_dump":
        options = "--clean --if-exists --single-transaction"
        return f"pg_restore {options}{_where(host, '--host')} --dbname={quote(name)} {path}"
    return f"mysql{_where(host, '--socket')} {quote(name)} < {path}"


def _where(host: str, socket: str) -> str:
    """Return the options that lead to a host, its port if it has one, or a socket's path."""
    if not host:
        return ""
    name, _, port = host.rpartition(":")
    if not port.isdigit() or not name or name.endswith(":"):
        name, port = host, ""
    option = socket if name.startswith("/") else "--host"
    return f" {option}={quote(name)}" + (f" --port={port}" if port else "")


def backup_line(means: BackupMeans | None, wanted: bool, database: Database | None, why_not: str) -> Content:
    """Return the line of a plan's toggle."""
    if why_not:
        return Content.assemble(("No backup is made first: ", "bold $warning"), one_line(why_not, 300))
    if means is None:
        return Content(f"[{'x' if wanted else ' '}] back up first: asking what it takes…")
    size = f"up to {size_in_words(means.size)}" if means.size else "size not known"
    how = f"{size}, {', '.join(means.tools)}"
    if wanted:
        return Content.assemble(("[x] back up first", "bold $success"), f"  {how}  ", ("(b: not)", _MUTED))
    far = database is not None and not database.local
    why = "not local: it may take long, and ends up on this machine" if far else "it cannot be got back"
    return Content.assemble(
        ("[ ] no backup is made first", "bold $warning"), f"  {how}; {why}  ", ("(b: make one)", _MUTED)
    )


def describe_restored(finished: RestoreFinished, before: BackupEntry | None) -> Content:
    """Return how a restore ended, and what comes next."""
    if finished.done:
        kept = [f"What was there before is kept as {finished.kept}: B lists it."] if finished.kept else []
        after = [*kept, "Restart what runs on this database (runserver, workers).", "z takes it back."]
        return stack(
            Content.styled(f"✔ The backup is in place. {finished.seconds:.1f} s", "bold $success"),
            Content(),
            section("Next", bullets(after, "→", "$success")),
            section("Worth knowing", bullets(map(sentence, finished.notes), "▲", "$warning")),
            made_before(before),
        )
    return stack(
        describe_trouble(finished.error or "The restore was stopped. Nothing was replaced."),
        Content(),
        section("Worth knowing", bullets(map(sentence, finished.notes), "▲", "$warning")),
        made_before(before),
    )


def made_before(entry: BackupEntry | None) -> list[Content]:
    """Return the section on the backup that was made first, however it ended afterwards."""
    if entry is None:
        return []
    lines = [one_line(entry.path, 500), "B lists it, and leads to restoring it."]
    return [Content(), *section("The backup made before", bullets(lines))]

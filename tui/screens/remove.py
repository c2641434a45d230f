"""Shows the files that would be removed, whole, or why they stay; only D removes them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from djmig_tui.protocol import MigrationFile, Removal

from .. import background, writes
from ..actions import REMOVE, bindings
from ..context import Context
from ..describe import bullets, section, stack
from ..describe_removal import after, next_step
from ..engine.errors import EngineError
from ..journal import new_id
from ..session import Session
from ..text import clean, count, one_line, sentence
from ..widgets.bars import Banner
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.code_view import CodeView
from ..widgets.prose import Prose
from .base import ActionScreen


class RemoveScreen(ActionScreen[bool]):
    """One list of files, in the order of removing. Its result asks for the roll-back first."""

    SCOPE = REMOVE
    BINDINGS = bindings(REMOVE)
    CSS_PATH = ["plan.tcss", "remove.tcss"]
    AUTO_FOCUS = "Input, CancelButton"

    def __init__(
        self,
        session: Session,
        removal: Removal,
        what: str,  # "app.name"; of several the one that stays, if one does
        *,
        refusals: Sequence[str] = (),
        undo_on: str = "",  # alias on which rolling back would clear the way
        takes_back: str = "",  # id of the action that this takes back
    ) -> None:
        super().__init__()
        self._session = session
        self._files = removal.stay[-1:] if refusals else removal.files
        self._remaining = removal.remaining
        self._asked = what
        self._refusals = refusals
        self._undo_on = undo_on
        self._takes_back = takes_back
        firsts = [] if refusals else [one for one in self._files if one.first]
        self._first = firsts[-1].name if firsts else ""
        apps = dict.fromkeys(one_line(one.app) for one in firsts)
        self._first_of = ", ".join(apps) if len(apps) > 1 else "its app"
        self._named = not self._first
        self._outdated = False
        self._busy = False

    def body(self) -> Iterable[Widget]:
        """What and why, the content, the name to type, the buttons."""
        refused = bool(self._refusals)
        what = self._asked if len(self._files) < 2 else count(len(self._files), "file")
        title = f"{one_line(self._asked)} stays" if refused else f"Remove {one_line(what)}?"
        yield Static(Content.styled(title, "bold"), id="title")
        yield Banner()
        text, code = Prose(), CodeView(wrap=False)
        text.show(self._refused() if refused else self._what())
        text.border_title = "Why" if refused else "What goes"
        code.border_title = "Content"
        yield Horizontal(text, code, id="panes") if self._files else text
        if self._first:
            prompt = Content.assemble(
                f"First of {self._first_of}. Type ", (clean(self._first), "bold $accent"), " to go on:"
            )
            yield Static(prompt, id="prompt")
            yield Input(compact=True)
        if refused:
            yes = YesButton("Roll back, then remove", "u", "undo_first")
            yes.disabled = not self._undo_on
        else:
            yes = YesButton("Delete the file" if len(self._files) == 1 else "Delete the files", "D", "remove")
        yield Horizontal(CancelButton(), yes, classes="buttons")

    def on_mount(self) -> None:
        """Show the whole content."""
        if self._files:
            parts = [_text(one) for one in self._files]
            names = [f"# {one_line(one.path, 500)}\n" for one in self._files]
            whole = parts[0] if len(parts) == 1 else "\n\n".join(map("".join, zip(names, parts, strict=True)))
            self.query_one(CodeView).show_code(whole, "python")

    def context(self) -> Context:
        """What stands against it."""
        return Context(
            read_only=self.djmig.read_only,
            roomy=self.roomy,
            named=self._named,
            refused=bool(self._refusals),
            undoable=bool(self._undo_on),
            outdated=self._outdated,
            running=self._busy,
        )

    def _refused(self) -> Content:
        where = "" if self._undo_on == self._session.database else f" on {self._undo_on}"
        ways = [f"u rolls it back{where} first, then asks again about the file."] if self._undo_on else []
        return stack(
            section("It is not removed", bullets(map(sentence, self._refusals), "■", "$error")),
            section("Way out", bullets(ways, "→", "$success")),
        )

    def _what(self) -> Content:
        files = [
            Content.assemble((f"{number:>2}. ", "$foreground 60%"), one_line(one.path, 500))
            for number, one in enumerate(self._files, 1)
        ]
        warnings = dict.fromkeys(warning for one in self._files for warning in one.warnings)
        if len(files) > 1:
            how = [
                "Removed in this order, the last of the chain first.",
                "They are kept in the trash first: one z puts all of them back, byte for byte.",
                "Stale byte code of them goes too. The database is not touched.",
            ]
        else:
            how = [
                "It is kept in the trash first: z puts it back, byte for byte.",
                "Stale byte code of it goes too. The database is not touched.",
            ]
        return stack(
            section("Files", files),
            section("Beware", bullets(map(sentence, warnings), "▲", "$warning")),
            section("After it", bullets(after(self._remaining, merge="M merges"), "→")),
            [Content(line) for line in how],
        )

    def project_changed(self) -> None:
        """What was read may not be what is there."""
        if not self._busy:
            self._outdated = True
            self.query_one(Banner).show("The project changed since this was read. Press Esc and look again.")
            self.refresh_keys()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value == self._first:
            self._named = True
            event.input.disabled = True
            self.query_one("#prompt", Static).update(Content("The name is right: D deletes, Esc leaves."))
            self.query_one(CancelButton).focus()
            self.refresh_keys()

    # ---------------------------------------------------------------- actions
    def action_remove(self) -> None:
        """Remove what is listed."""
        if not self._busy:
            self._busy = True
            background.start(self, self._remove, "removal")

    async def _remove(self) -> None:
        removed: list[str] = []
        deed = new_id()
        try:
            for file in self._files:
                await writes.remove(self._session, file, deed=deed, takes_back=self._takes_back)
                removed.append(f"{file.app}.{file.name}")
        except (EngineError, OSError) as error:
            done = f" Removed before that: {', '.join(removed)}." if removed else " Nothing was removed."
            self.djmig.say(sentence(str(error)) + done, "error")
        else:
            them = "it" if len(removed) == 1 else "all of them"
            self.djmig.say(f"Removed {', '.join(removed)}; z puts {them} back. {next_step(self._remaining)}")
        if removed:
            self.djmig.start_engine()
        self.dismiss(False)

    def action_undo_first(self) -> None:
        """Roll back, then come back here."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Leave; nothing was changed. Not while files go: that would leave some unwritten."""
        if self._busy:
            self.djmig.say("The files are being removed; z puts them back afterwards.", "warning")
        else:
            self.dismiss(False)


def _text(file: MigrationFile) -> str:
    return base64.b64decode(file.content).decode("utf-8", "backslashreplace")

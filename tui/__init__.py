"""The interface of djmig-tui: Textual only, never Django."""

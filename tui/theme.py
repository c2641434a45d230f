"""The palette: ink, with the green of a database that agrees with its files."""

from __future__ import annotations

from textual.theme import Theme

INK = Theme(
    name="djmig-ink",
    primary="#4cc38a",
    secondary="#7cb7ff",
    accent="#e6b673",
    warning="#f2b155",
    error="#f2777a",
    success="#5fd3a0",
    foreground="#d5dde8",
    background="#0f141b",
    surface="#131922",
    panel="#1b2430",
    variables={
        "muted": "#7d8b9b",
        "border": "#4cc38a",
        "border-blurred": "#2c3846",
        "block-cursor-background": "#24503f",
        "block-cursor-foreground": "#f1f7f4",
        "block-cursor-blurred-background": "#1e2a36",
        "block-hover-background": "#182029",
        "footer-background": "#0f141b",
        "footer-key-foreground": "#e6b673",
        "scrollbar": "#2c3846",
        "scrollbar-hover": "#3c4b5c",
        "scrollbar-active": "#4cc38a",
        "scrollbar-background": "#131922",
        "scrollbar-background-hover": "#131922",
        "scrollbar-background-active": "#131922",
        "scrollbar-corner-color": "#131922",
        "input-selection-background": "#35536e",
    },
)

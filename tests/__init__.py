"""Tests of djmig-tui, by side of the pipe."""

"""The headless commands against the fake engine, and the state folder."""

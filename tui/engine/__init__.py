"""The only place of the interface that knows of another process."""

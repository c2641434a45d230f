"""A small bookshop: the project that the demo opens and the tests roll back."""

"""Places where releases run."""

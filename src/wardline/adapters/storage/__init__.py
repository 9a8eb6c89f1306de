"""SQL storage of the log and its projections."""

"""DORA and audit figures as pure folds over the log."""

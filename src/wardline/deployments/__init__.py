"""Releases, plans that need consent, strategies, rollback and rehearsal."""

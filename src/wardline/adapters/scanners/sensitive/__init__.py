"""Files, archives and documents, opened so that what stands in them can be looked at."""

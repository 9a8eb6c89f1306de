"""What laws ask, as data, and which evidence answers it: catalogues, mappings, records of people, coverage."""

"""Logs and witnesses as https://c2sp.org specifies them: tiles and cosignatures over HTTP, tiles in files."""

"""Advisories on disk: dumps as OSV publishes them, and the mirror that is made of them."""

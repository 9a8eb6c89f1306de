"""Scanners of code and dependencies."""

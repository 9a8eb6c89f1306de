"""Packets: assembled, written, verified, and the page a person reads."""

"""Wardline: continuous delivery for healthcare software, with proof."""

__version__ = "0.1.0"

"""Durable engines."""

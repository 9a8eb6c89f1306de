"""Releases on this machine: supervised processes behind one Caddy per environment."""

from wardline.adapters.targets.local.target import LocalTarget

__all__ = ["LocalTarget"]

"""Insurance eligibility: an X12 270 inquiry in, a 271 response out."""

__version__ = "1.0"

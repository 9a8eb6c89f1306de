"""Faults that are planted before each check, through its real adapter. Everything in them is made up."""

"""The use cases, one module per verb."""

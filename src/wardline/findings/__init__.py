"""What checks find, in one shape, and the redaction of what must not be written down."""

"""Commands that build and test, and what they leave."""

"""What leaves the house in the formats of others."""

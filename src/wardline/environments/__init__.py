"""Where things run: the state that is wanted, the state that is seen, and who holds the door."""

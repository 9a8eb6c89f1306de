"""Stand-ins for parts that a suite cannot have. Each says so in its name and is held to the same port suite."""

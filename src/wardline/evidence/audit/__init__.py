"""What leaves for healthcare's audit repositories: leaves as audit events."""

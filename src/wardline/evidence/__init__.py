"""Signed statements, their envelopes, packets, and the verification of packets."""

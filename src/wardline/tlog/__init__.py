"""An append-only Merkle log (RFC 9162): bytes in, index and proofs out. It has never heard of evidence."""

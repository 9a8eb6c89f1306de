"""An append-only Merkle log (RFC 9162): bytes in, index and proofs out. It has never heard of evidence.

What this room gives to others, by name:

- `merkle.leaf_hash`, `root_hash`, `verify_inclusion`, `verify_consistency`: hashing and verification, no state;
- `tree.completed_by`, `root`, `inclusion_proof`, `consistency_proof`: a growing tree over stored subtrees;
- `note`, `checkpoint`, `cosignature`: what logs and witnesses sign (C2SP signed-note, tlog-checkpoint,
  tlog-cosignature);
- `tiles`, `proof_file`, `add_checkpoint`: how others read the log and ask for a cosignature (C2SP tlog-tiles,
  tlog-proof, tlog-witness);
- `witness`: what a witness does with a checkpoint it is shown.
"""

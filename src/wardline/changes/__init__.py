"""What is changed and shipped: commits, artifacts by digest, provenance, SBOM."""

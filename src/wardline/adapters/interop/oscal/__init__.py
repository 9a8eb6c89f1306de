"""What Wardline knows of controls, as OSCAL 1.2 documents (NIST, https://pages.nist.gov/OSCAL)."""

"""Did it work: what was observed during and after a deployment, as an Outcome."""

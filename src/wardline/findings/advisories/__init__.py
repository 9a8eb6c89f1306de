"""Known vulnerabilities: advisories in OSV's form, components that they affect, and what suppliers say of it."""

"""Who acts: principals, their keys and roles, and which duties must stay separate."""

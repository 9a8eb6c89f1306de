"""Whether something may pass: policies, approvals and waivers over evidence give a Decision."""

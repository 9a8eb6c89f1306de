"""Every socket, file and process, behind Protocols that the rooms own."""

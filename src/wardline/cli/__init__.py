"""The command line: parse, call one use case or query, render."""

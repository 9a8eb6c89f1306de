"""The only room that names concrete adapters: it opens the parts and puts them together."""

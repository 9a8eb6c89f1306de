"""How long what is kept stays: periods, holds, purges, and proof that nothing else is missing."""

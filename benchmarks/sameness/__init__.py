"""How surely the same call is recognised in another container, codec or bit rate, and nothing else is taken for it."""

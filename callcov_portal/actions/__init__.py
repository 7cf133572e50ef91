"""Verbs. The only writers across models, and the only callers of the client."""

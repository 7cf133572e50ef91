"""Measurements of the product against truth and against its peers; no part of what is installed."""

"""Programs for those who work on the portal; no part of what is installed."""

"""What pages, leaderboards, webhooks and sound cost, and how things are measured beside each other in one run."""

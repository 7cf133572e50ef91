"""Five hundred files that nobody means well with, or that something befell; the same ones every time."""

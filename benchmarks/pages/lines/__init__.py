"""The lines, a module each: `LINES` says what is compared, `doings()` what is done for it in a database's process.

`doings(place)` may import Django and must be quick. `close()`, where there is one, takes away what it left behind.
"""

from benchmarks.pages.lines import beside_others, growth, leaderboard, list_floor, sound, transcript, webhook

MODULES = (growth, list_floor, beside_others, leaderboard, webhook, transcript, sound)

"""One hostile file, one process, hard limits: what runs inside the child that reads a recording.

Started by path (`python -I …/child VERB …`) and not as a module of ours: the package's own imports would triple the
start-up time, and a process that a hostile file may take over should know as little as possible. So these modules
import nothing of ours but each other, and each other by relative imports: there the package is called `child` alone.
It prints one JSON object: `{"ok": {…}}` or `{"error": code, "sentence": …}`.
"""

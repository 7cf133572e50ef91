"""Exports beside what else can write the same rows: the newest 20,000 calls of the largest database, of whole days.

The floor is the sqlite3 shell, which runs the very statement whose rows we write, joins and all, and guards no cell. Peers
are Datasette's CSV stream, with the columns that both can write, those of the recordings' own table; and a resource of
django-import-export with every column that is no count and no decision, related ones by their names, on the queryset that
its admin hands it: that of the list, with the list's joins. Ours is the download itself: the request with its session, the
hash, the manifest at its end.
"""

"""Exports beside what else can write the same rows, in the same run on the same database.

The floor is the sqlite3 shell, which runs the very statement whose rows we write, joins and all, and guards no cell.
Peers are Datasette's CSV stream and django-import-export, with the columns that all can write alike: those of the
recordings' own table. `make bench-exports` installs them beside the program, where nothing else finds them.
Each round runs one after the other; figures are medians of CPU seconds (user and system), for other programs on the
machine do not disturb these much. Our own are those of the process that serves, without its start.
"""

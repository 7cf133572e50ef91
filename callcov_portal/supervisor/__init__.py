"""The process group of `serve`: one supervisor in the foreground, its parts as children.

    serve ──▶ Group ──▶ Child ──▶ launch.py ──▶ granian or celery (in a process group of its own)
                │          └ asked by ears: does it still answer?
                └ keeper.py: ends every process group when the supervisor is killed

A dead or deaf part is restarted; what it was doing is due again, because the database is the queue.
"""

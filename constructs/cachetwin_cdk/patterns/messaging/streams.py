"""The keys of a job queue's streams in the cache.

A queue ``orders`` is the stream ``queue:{orders}``. Its worker moves jobs that it gives up to ``queue:{orders}:dead``; the
braces keep both streams in one slot of a cluster. The worker deletes each job that it has finished, so the length of the
stream is the backlog.
"""


def stream_key(queue: str) -> str:
    """The stream of jobs that are waiting or in progress."""
    return f"queue:{{{queue}}}"


def dead_letter_key(queue: str) -> str:
    """The stream of jobs that were given up."""
    return f"{stream_key(queue)}:dead"

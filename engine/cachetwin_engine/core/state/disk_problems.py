"""Why clients may not write just now: a save that failed, or an append-only file that can't be written."""

from cachetwin_engine.core.protocol.errors import CANNOT_SAVE


class DiskProblems:
    """What is wrong with the disk of one engine. ``EngineState.choose_disk_flag`` acts on it."""

    def __init__(self) -> None:
        self.save_failed = False
        self.log_problem = ""

    def exist(self) -> bool:
        """Whether anything is wrong."""
        return self.save_failed or self.log_problem != ""

    def line(self) -> bytes:
        """The error line for a client that wants to write."""
        if self.save_failed:
            return CANNOT_SAVE
        return b"MISCONF Errors writing to the AOF file: " + self.log_problem.encode()

"""The exception for errors that the user can solve."""

__all__ = ["UserError"]


class UserError(Exception):
    """Something the user can put right: printed as one line (or a short block), exit code 1, no traceback.

    The text is lower case, has no final period and says what was found, what is allowed and what to do.
    """

"""The one family of errors that this package raises."""


class NetnsError(Exception):
    """The lab cannot be as asked. The message is for the operator: where, what, and the cure."""

"""One family of errors: who catches NetnsError catches them all."""

import pytest

from netns import links, namespace
from netns.errors import NetnsError


@pytest.mark.parametrize(
    "error",
    [
        links.LinkError,
        links.LinkMissing,
        namespace.CommandFailed,
        namespace.NamespaceExists,
        namespace.NamespaceMissing,
    ],
)
def test_every_error_of_the_package_is_the_operators(error: type[Exception]) -> None:
    assert issubclass(error, NetnsError)

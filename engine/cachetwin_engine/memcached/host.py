"""What the server asks of the process around it. The shell overrides all of it."""

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """A process without properties, for sessions without a shell."""

    def process_id(self) -> int:
        """The process's id."""
        return 0

    def cpu_seconds(self) -> tuple[float, float]:
        """Processor time so far: of the user, of the system."""
        return 0.0, 0.0

    def refresh_certificates(self) -> str:
        """Read the TLS certificate again; why not, or empty."""
        return "TLS is not enabled"

    def library_version(self) -> str:
        """What does the I/O."""
        return "none"

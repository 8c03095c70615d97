"""Let atheris look for bytes that reach new lines of a target, and break it.

    pip install atheris
    python -m tests.engine.fuzz.coverage_guided rdb -max_total_time=600   # options are libFuzzer's

atheris is no dependency of the tests: it has no wheel for some platforms. It begins with the target's seeds and its corpus;
an input that breaks the target is written to the working directory as ``crash-...``: move it into ``corpus`` with the mend.
"""

import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz the target that the command line names."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415  (instruments what is imported next)

    with atheris.instrument_imports(include=["cachetwin_engine"]):
        from tests.engine.fuzz.targets import CORPUS, TARGETS, seeds  # noqa: PLC0415

    target = sys.argv[1] if len(sys.argv) > 1 else ""
    if target not in TARGETS:
        sys.exit(f"the first argument is one of {', '.join(TARGETS)}, got {target!r}")
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(target)):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        kept = [str(CORPUS / target)] if (CORPUS / target).is_dir() else []
        atheris.Setup([sys.argv[0], *sys.argv[2:], folder, *kept], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()

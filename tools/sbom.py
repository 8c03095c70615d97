"""Write the software bill of materials of an image as CycloneDX 1.6 JSON.

    python tools/sbom.py localhost/cachetwin-engine > engine.cdx.json

Lists what is installed in the image: Debian's packages (dpkg) and Python's distributions, each with version and package
URL, and the licence where the package states one. Runs the image with podman or docker, without a network.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

# Runs inside the image, where only Python is.
_LISTING = """
import importlib.metadata as m, json, subprocess
print(json.dumps({
    "release": dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line),
    "debian": subprocess.run(["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\\\\n"],
                             capture_output=True, text=True, check=True).stdout.split("\\n")[:-1],
    "python": [[d.metadata["Name"], d.version, d.metadata["License-Expression"] or ""] for d in m.distributions()],
}))
"""


def listing(image: str) -> dict[str, object]:
    """What is installed in ``image``. Raises CalledProcessError if it does not run."""
    program = shutil.which("podman") or shutil.which("docker")
    if program is None:
        sys.exit("neither podman nor docker is installed")
    command = [
        program,
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "/opt/cachetwin/bin/python",
        image,
        "-c",
        _LISTING,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def debian_components(rows: Iterable[str], codename: str) -> Iterable[Component]:
    """One component for each Debian package."""
    for row in rows:
        name, version, architecture = row.split()
        url = PackageURL("deb", "debian", name, version, {"arch": architecture, "distro": codename})
        yield Component(name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url))


def python_components(rows: Iterable[tuple[str, str, str]]) -> Iterable[Component]:
    """One component for each Python distribution."""
    licenses = LicenseFactory()
    for name, version, expression in rows:
        url = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
        stated = [licenses.make_from_string(expression)] if expression else []
        yield Component(
            name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url), licenses=stated
        )


def bill(image: str, found: dict[str, object]) -> str:
    """The document, with the components in a stable order."""
    release = found["release"]
    debian, python = found["debian"], found["python"]
    assert isinstance(release, dict)  # noqa: S101  (the shapes of ``_LISTING``, for the type checker)
    assert isinstance(debian, list)  # noqa: S101
    assert isinstance(python, list)  # noqa: S101
    bom = Bom()
    bom.metadata.component = Component(name=image, type=ComponentType.CONTAINER, bom_ref=image)
    components = [*debian_components(debian, release["VERSION_CODENAME"]), *python_components(python)]
    bom.components.update(components)
    bom.register_dependency(bom.metadata.component, components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def main() -> int:
    """Print the bill; 1 if the image does not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    image = parser.parse_args().image
    try:
        found = listing(image)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{image} does not run: {error.stderr}\n")
        return 1
    sys.stdout.write(bill(image, found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What an SBOM lists: components by their package URL (purl-spec), from CycloneDX or SPDX JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.findings.advisories.versions import normal_name

_ECOSYSTEMS: Final = {
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "maven": "Maven",
    "nuget": "NuGet",
    "gem": "RubyGems",
    "cargo": "crates.io",
    "composer": "Packagist",
    "hex": "Hex",
    "pub": "Pub",
}
_NOT_PACKAGES: Final = frozenset({"file", "data", "operating-system"})  # CycloneDX 1.6 component types


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One package of an SBOM.

    Attributes:
        ecosystem: In OSV's words, or the type of the purl where OSV has none.
        name: As the ecosystem compares it.
        purl: With its version and without qualifiers.
    """

    ecosystem: str
    name: str
    version: str
    purl: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """`nameless` are packages that no purl identifies: nobody can look them up."""

    listed: tuple[Component, ...]
    nameless: tuple[str, ...]
    product: str | None  # the purl of what the SBOM is of, where it says so


def read_components(document: JSON) -> Components:
    """Return what an SBOM lists, each component once.

    Raises:
        InvalidInput: It is neither CycloneDX nor SPDX 2 as JSON, it lists nothing, or a purl is none.
    """
    if not isinstance(document, dict):
        raise InvalidInput("SBOM: expected a JSON object")
    match document:
        case {"bomFormat": "CycloneDX", "specVersion": str()}:
            found, product = list(_cyclonedx(document.get("components"))), _main_purl(document.get("metadata"))
        case {"spdxVersion": str(version), "packages": list(packages)} if version.startswith("SPDX-2."):
            found, product = [_spdx(each) for each in packages], None
        case _:
            raise InvalidInput("SBOM: expected CycloneDX or SPDX 2 as JSON")
    components = [component_of(purl, name) for name, purl in found if purl]
    listed = {component.purl: component for component in components}
    nameless = tuple(sorted({name for name, purl in found if not purl}))
    if not listed and not nameless:
        raise InvalidInput(
            "SBOM: expected at least one component, got none", remedy="Nothing was looked at: make it again."
        )
    return Components(listed=tuple(listed[purl] for purl in sorted(listed)), nameless=nameless, product=product)


def component_of(purl: str, where: str) -> Component:
    """Return the component that `purl` names.

    Raises:
        InvalidInput: It is no package URL with a version.
    """
    path, _, version = purl.partition("?")[0].partition("#")[0].rpartition("@")
    scheme, _, rest = path.partition(":")
    kind, _, full = rest.strip("/").partition("/")
    if scheme != "pkg" or not kind or not full or not version:
        raise InvalidInput(f"SBOM: {where[:80]!r}: expected a package URL with a version")
    kind, ecosystem = kind.lower(), _ECOSYSTEMS.get(kind.lower(), kind.lower())
    *spaces, name = (unquote(part) for part in full.split("/"))
    joined = f"{'/'.join(spaces)}:{name}" if kind == "maven" and spaces else "/".join((*spaces, name))
    name, version = normal_name(ecosystem, joined), unquote(version)
    return Component(ecosystem=ecosystem, name=name, version=version, purl=f"pkg:{kind}/{full}@{version}")


def _cyclonedx(components: JSON) -> Iterator[tuple[str, str | None]]:
    waiting: list[JSON] = list(components) if isinstance(components, list) else []
    while waiting:
        match waiting.pop():
            case {"name": str(name), **rest} if name:
                nested, purl = rest.get("components"), rest.get("purl")
                waiting += nested if isinstance(nested, list) else []
                if rest.get("type") not in _NOT_PACKAGES:
                    yield name, purl if isinstance(purl, str) else None
            case _:
                raise InvalidInput("SBOM: expected a component with a name")


def _main_purl(metadata: JSON) -> str | None:
    match metadata:
        case {"component": {"purl": str(purl)}}:
            return purl
        case _:
            return None


def _spdx(package: JSON) -> tuple[str, str | None]:
    match package:
        case {"name": str(name), **rest} if name:
            refs = rest.get("externalRefs")
            found = (_spdx_purl(each) for each in refs if isinstance(each, dict)) if isinstance(refs, list) else ()
            return name, next((purl for purl in found if purl), None)
        case _:
            raise InvalidInput("SBOM: expected a package with a name")


def _spdx_purl(reference: JSONObject) -> str | None:
    locator = reference.get("referenceLocator")
    return locator if reference.get("referenceType") == "purl" and isinstance(locator, str) else None

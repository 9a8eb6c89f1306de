"""Releases and deployment plans. A plan without consent cannot be written."""

from collections.abc import Mapping
from dataclasses import dataclass

from wardline.canonical import Digest
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Refused
from wardline.gates.decisions import Allow
from wardline.ids import DeploymentId, ReleaseId
from wardline.pipelines.spec import SecretRef, StartSpec, StrategySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An artifact with the configuration of one environment; the same two are the same release."""

    id: ReleaseId
    version: str
    artifact: Digest
    start: StartSpec
    config: Mapping[str, str]
    secrets: Mapping[str, SecretRef]
    instances: int
    port: int | None  # public port of the environment, if the service states one


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """What is to happen, with the Allow it happens under and the way back it covers.

    Raises:
        Refused: The Allow is for another environment or another artifact.
    """

    id: DeploymentId
    environment: EnvironmentKey
    release: Release
    previous: Release | None  # the way back; None: nothing ran here, so the way back is to withdraw
    strategy: StrategySpec
    consent: Allow
    generation: int  # fencing number of the environment's holder; older ones are refused by the target

    def __post_init__(self) -> None:
        judged = self.consent.judgement
        if (judged.environment, judged.artifact) != (self.environment.name, self.release.artifact):
            raise Refused(
                f"the Allow is for {judged.artifact} in {judged.environment}, "
                f"not for {self.release.artifact} in {self.environment.name}",
                remedy="Ask the gate of this environment about this artifact.",
            )

"""Keys of subjects in memory: for suites that have no database. The same seed gives the same keys."""

import hashlib
from dataclasses import dataclass, field

from wardline.identity.subject_keys import SubjectKey, address_subject_id
from wardline.ids import SubjectId


@dataclass
class MemorySubjectKeys:
    kept: dict[SubjectId, SubjectKey] = field(default_factory=dict)
    made: int = 0

    def of(self, subject: SubjectId) -> SubjectKey:
        if subject not in self.kept:
            self.made += 1
            secret = hashlib.sha256(f"{subject}/{self.made}".encode()).digest()
            self.kept[subject] = SubjectKey(subject=subject, secret=secret)
        return self.kept[subject]

    def of_address(self, email: str) -> SubjectId:
        return address_subject_id(email, secret=bytes(32))

    def held(self) -> tuple[SubjectKey, ...]:
        return tuple(self.kept.values())

    def destroy(self, key_ids: frozenset[str]) -> None:
        self.kept = {subject: key for subject, key in self.kept.items() if key.id not in key_ids}

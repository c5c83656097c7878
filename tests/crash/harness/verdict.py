"""What a schedule did wrong."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """What a schedule did wrong; all zero and nothing said is the only good one."""

    lost: int = 0
    doubled: int = 0
    different: int = 0
    said: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Sum up."""
        self.lost += other.lost
        self.doubled += other.doubled
        self.different += other.different
        self.said += other.said

    def differs(self, *what: object) -> None:
        """Count one difference."""
        self.different += 1
        self.said.append(" ".join(map(str, what))[:300])

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.different)

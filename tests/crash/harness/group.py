"""A model of the group's coordinator: eager rebalances, sessions that end, commits that lag."""

from __future__ import annotations

import asyncio

from tests.crash.harness.worker import SESSION, Worker, World


class Group:
    """The workers that count as members, and those that only believe they do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._heard: dict[Worker, float] = {}
        self._generation = 0
        self.zombies: list[Worker] = []

    @property
    def members(self) -> list[Worker]:
        """Members that live and answer."""
        return [worker for worker in self._heard if worker.alive and not worker.frozen]

    def owner(self, partition: int) -> Worker | None:
        """The member that has the partition."""
        return next((worker for worker in self.members if partition in worker.runners), None)

    async def join(self, worker: Worker) -> None:
        """A member comes; everybody gives everything up and gets something new."""
        self._heard[worker] = self._now()
        await self.rebalance()

    async def leave(self, worker: Worker) -> None:
        """A graceful stop."""
        await worker.revoke()
        self._heard.pop(worker, None)
        worker.die()
        await self.rebalance()

    async def rebalance(self) -> None:
        """Those who do not answer are members no more, whatever they believe."""
        for worker in [worker for worker in self._heard if worker not in self.members]:
            self._expel(worker)
        for worker in self.members:
            await worker.revoke()
        members = self.members
        if not members:
            return
        self._generation += 1
        numbers = list(range(len(self._world.cluster.partitions)))
        self._world.chance.shuffle(numbers)
        for place, worker in enumerate(members):
            worker.assign(numbers[place :: len(members)], self._generation)
            self._heard[worker] = self._now()

    async def beat(self) -> None:
        """Heartbeats and commits of those who answer; the sessions of the others run out."""
        for worker in list(self._heard):
            if worker.alive and not worker.frozen:
                self._heard[worker] = self._now()
                worker.lease.renew()
                if self._world.chance.random() < 0.6:
                    worker.commit()
        over = [worker for worker, heard in self._heard.items() if self._now() - heard > SESSION]
        for worker in over:
            self._expel(worker)
        for worker in [zombie for zombie in self.zombies if zombie.alive and not zombie.frozen]:
            # Its heartbeat is refused: it gives up what it had and comes back as anybody else would.
            self.zombies.remove(worker)
            await worker.revoke()
            if worker.alive:
                self._heard[worker] = self._now()
                over.append(worker)
        if over:
            await self.rebalance()

    def _expel(self, worker: Worker) -> None:
        del self._heard[worker]
        if worker.alive:
            self.zombies.append(worker)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

"""A work ended at a statement, the next start of the lane, and the proof that all is right then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from services.analytics.errors import AnalyticsError, FencedError, RetryLaterError, WarehouseMismatchError
from services.analytics.rebuild import BehindError
from tests.crash.sink.doomed import Doom, Fate
from tests.crash.sink.estate import Estate
from tests.crash.sink.lane import Process
from tests.crash.sink.works import FALSE_ROLL_UPS, FALSE_ROWS, WRONG_NUMBERS, Work
from tests.fakes.analytics import DiedError

REFUSED: Final = WarehouseMismatchError.exit_code


class Trial:
    """One work over one warehouse, again and again."""

    def __init__(self, estate: Estate, work: Work) -> None:
        self.work = work
        self.estate = estate
        self.old = self.estate.roll_ups()
        self.new = self.old
        self.statements = self._undisturbed()

    def _begin(self, doom: Doom) -> Process:
        """A process that may start, and then what it has to put right."""
        refused = self.work.damage is WRONG_NUMBERS and not self.work.at_start
        self.estate.begin("right" if refused else "wrong")
        if self.work.pending:
            self.estate.pend()
        process = self.estate.process("old", doom)
        if not self.work.at_start:
            assert process.run() == 0
        if refused:
            self.estate.put("wrong")
        return process

    def _undisturbed(self) -> list[str]:
        """What is given when nothing happens."""
        doom = Doom()
        with contextlib.closing(self._begin(doom)) as process:
            doom.at = "never"
            self.work.do(process)
        self.new = self.estate.roll_ups()
        self.estate.assert_right()
        return doom.given

    def changing(self) -> list[int]:
        """The statements that change something: after one there is what there is before the next."""
        return [
            number
            for number, text in enumerate(self.statements)
            if not text.lstrip().startswith(("--", "SELECT"))
        ]

    def end(
        self,
        fate: Fate,
        at: int | str,
        kill: Callable[[], None] = lambda: None,
        back: Callable[[], None] = lambda: None,
    ) -> None:
        """One end, and what follows. `kill` begins the death of a warehouse, `back` waits for its return."""
        doom = Doom(fate, meanwhile=self._take_over if fate is Fate.FROZEN else kill)
        try:
            with contextlib.closing(self._begin(doom)) as process:
                doom.at = at
                ended = self._do(process)
                assert doom.struck, "it was never given"
                back()
                self._follow(process, fate, ended)
        except BaseException as error:
            error.add_note(f"the process {fate}: {at}, {self.statements[at] if isinstance(at, int) else ''}")
            raise

    def _do(self, process: Process) -> type[BaseException] | int | None:
        """How it ended: an error, or the exit code of a start."""
        try:
            code = self.work.do(process)
        except (DiedError, AnalyticsError) as error:
            return type(error)
        return code if isinstance(code, int) else None

    def _follow(self, process: Process, fate: Fate, ended: type[BaseException] | int | None) -> None:
        if self.work.damage is FALSE_ROLL_UPS and fate is not Fate.FROZEN:
            self._assert_whole()
        if fate is Fate.FROZEN:
            fenced = (FencedError.exit_code,) if self.work.at_start else (None, FencedError, BehindError)
            assert ended in fenced
            self.estate.assert_right()  # still
        elif fate in (Fate.LOST, Fate.KILLED):
            assert ended in ((0,) if self.work.at_start else (None, RetryLaterError))
            process.doom.at = None
            if not self.work.at_start:
                self.work.do(process)
            self._take_over()
        else:
            assert ended is DiedError
            self._take_over()

    def _assert_whole(self) -> None:
        """Who looks now sees old roll-ups or new ones."""
        assert self.estate.drifting() == []
        for key, found in self.estate.roll_ups().items():
            assert found in (self.old[key], self.new[key]), key

    def _take_over(self) -> None:
        """The next start, more facts, and once more what was not done to its end."""
        self.estate.arrive()
        with contextlib.closing(self.estate.process("new")) as following:
            code = following.run()
            if code == 0 and self.work.damage is FALSE_ROLL_UPS:
                following.reconciler.rebuild()
            elif code == 0 and self.work.damage:
                assert all(one.clean for one in following.reconciler.repair().after)
        if code != 0:
            assert code == REFUSED
            assert self.work.damage in (FALSE_ROWS, WRONG_NUMBERS)
            with contextlib.closing(self.estate.process("mending")) as mending:
                assert mending.run(repair=True) == 0
        self.estate.assert_right()

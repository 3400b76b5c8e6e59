"""Start children, bring back those that die, and end them all when told to."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from stagewise import log

#: From the signal to the end at most this long, in seconds; what still runs shortly before is killed.
STOP_WITHIN_S = 10.0
_KILL_BEFORE_S = 1.0
#: This many deaths of one child within this many seconds, and the supervisor gives up.
DEATHS = 5
WITHIN_S = 60.0
#: How often we look around where no signal tells us to, in seconds.
_TURN_S = 0.1


class Child:
    """One of the processes: what to run, how far it steps back when processors are short, and its deaths so far.

    ``nice`` is added to the scheduler's niceness (POSIX ``nice``): 0 to 19.
    """

    def __init__(self, name: str, arguments: Sequence[str], nice: int = 0) -> None:
        self.name = name
        self.arguments = list(arguments)
        self._nice = nice
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: list[float] = []
        self.start_at = 0.0

    def start(self, environment: dict[str, str], lock: int) -> None:
        """Start it in a process group of its own: what it starts can be ended with it, and Ctrl-C reaches only us."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stagewise", *self.arguments, "--parent", str(os.getpid())],
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=(lock,),
            process_group=0,
        )
        if self._nice:
            # At once, so that all its threads and all that it starts inherit it.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.process.pid, os.getpriority(os.PRIO_PROCESS, 0) + self._nice)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process; for SIGKILL to all that it started, too."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def died(self) -> bool:
        """Whether it ran and does not any more; tells so once."""
        if self.process is None or self.process.poll() is None:
            return False
        # Its own children, if any are left, must not meet those of its successor.
        self.signal(signal.SIGKILL)
        self.process = None
        return True


class Supervisor:
    """Keeps the children alive until a signal arrives or one of them dies too often."""

    def __init__(self, children: Sequence[Child], environment: dict[str, str], lock: int) -> None:
        self._children = list(children)
        self._environment = environment
        self._lock = lock
        self.stopping = False

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """From here on SIGTERM, SIGINT and SIGHUP mean: stop."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake = reading
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = [signal.signal(number, self._on_signal) for number in (*handled, signal.SIGCHLD)]
        try:
            yield
        finally:
            for number, handler in zip((*handled, signal.SIGCHLD), before, strict=True):
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            os.close(reading)
            os.close(writing)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number == signal.SIGCHLD:
            return
        if self.stopping:  # asked twice: at once, then
            for child in self._children:
                child.signal(signal.SIGKILL)
        self.stopping = True

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a signal or a child's death."""
        if select.select([self._wake], [], [], max(seconds, 0))[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)

    def add(self, children: Sequence[Child]) -> None:
        """Start these, too, and keep them."""
        self._children += children

    def run(self, each_turn: Callable[[], None]) -> int:
        """Start the children and keep them; returns the exit code. ``each_turn`` is called often."""
        try:
            while not self.stopping:
                for child in self._children:
                    if child.died() and not self._may_return(child):
                        return 1
                    if child.process is None and time.monotonic() >= child.start_at and not self.stopping:
                        child.start(self._environment, self._lock)
                each_turn()
                self.wait(_TURN_S)
            return 0
        finally:
            self._end()

    def _may_return(self, child: Child) -> bool:
        """Note a death; false when it was one too many."""
        now = time.monotonic()
        if self.stopping:
            return True
        child.deaths = [at for at in child.deaths if now - at < WITHIN_S] + [now]
        if len(child.deaths) >= DEATHS:
            _log().error(f"{child.name} died {DEATHS} times within a minute: giving up")
            return False
        pause = 2.0 ** (len(child.deaths) - 1)
        child.start_at = now + pause
        _log().warning(f"{child.name} died, starting it again", seconds=pause, deaths=len(child.deaths))
        return True

    def _end(self) -> None:
        self.stopping = True
        started = time.monotonic()
        for child in self._children:
            child.signal(signal.SIGTERM)
        while any(child.process and child.process.poll() is None for child in self._children):
            if time.monotonic() - started > STOP_WITHIN_S - _KILL_BEFORE_S:
                break
            self.wait(_TURN_S)
        for child in self._children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()


def _log() -> log.Log:
    """The supervisor's log."""
    log.configure("serve")
    return log.Log("stagewise.serve")

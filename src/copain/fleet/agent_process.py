"""AgentProcess: an agent in a process of its own, so that learning and playing share no GIL."""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from copain.errors import RunnerError
from copain.fleet.agent import Action, Agent, Observation, Transition

_TOLD_AT_ONCE = 64  # transitions of one message: each message costs more than each transition
_END = 5.0  # seconds that an agent has to end


class AgentProcess:
    """An agent that lives in another process while the run plays.

    The agent is pickled to get there and, as it has become, back at the end: see `agent`. Python
    starts the process anew ("spawn"), so a script that uses this protects what it runs with
    ``if __name__ == "__main__":``.
    """

    def __init__(self, agent: Agent) -> None:
        """Of `agent`, which must be picklable, as must be observations and actions."""
        self.agent = agent
        """The agent: before the run as it was given, after it as it has become."""
        self._told: list[Transition] = []
        self._failed = False
        self._process: Any = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The process's number, once there is one."""
        return None if self._process is None else self._process.pid

    def start(self, runners: int) -> None:
        """Start the process, and the agent in it."""
        context = multiprocessing.get_context("spawn")
        self._told, self._failed = [], False
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self.agent, theirs, runners), name="copain agent", daemon=True
        )
        self._process.start()
        theirs.close()  # else the end of the process would not be seen
        self._receive()

    def ask(self, observations: Sequence[Observation], runners: Sequence[int]) -> Sequence[Action]:
        """The agent's answers."""
        self._hand_over()
        self._send("ask", (list(observations), list(runners)))
        return self._receive()

    def tell(self, transition: Transition) -> None:
        """Hand a transition over, together with others."""
        self._told.append(transition)
        if len(self._told) >= _TOLD_AT_ONCE:
            self._hand_over()

    def stop(self) -> None:
        """End the agent, fetch it back, and end the process."""
        try:
            if not self._failed:
                self._hand_over()
                self._send("stop", None)
                self.agent = self._receive()
                self._process.join(_END)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process at once; what the agent learned is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _hand_over(self) -> None:
        if self._told:
            told, self._told = self._told, []
            self._send("tell", told)

    def _send(self, what: str, content: object) -> None:
        assert self._connection is not None
        try:
            self._connection.send((what, content))
        except (BrokenPipeError, ConnectionResetError):
            self._receive()  # it may have said why

    def _receive(self) -> Any:
        assert self._connection is not None
        try:
            error, content = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._failed = True
            self._process.join(1.0)
            raise RunnerError(
                f"the agent's process ended (exit status {self._process.exitcode}); "
                "what it wrote says more"
            ) from None
        if error is not None:
            self._failed = True
            raise RunnerError(f"the agent's process: {error}")
        return content


def _serve(agent: Agent, connection: Connection, runners: int) -> None:
    """What the process does, until it is told to stop or the other side is gone."""
    # Ctrl-C is for the run, which then ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        agent.start(runners)
        connection.send((None, None))
        while True:
            what, content = connection.recv()
            if what == "ask":
                connection.send((None, agent.ask(*content)))
            elif what == "tell":
                for transition in content:
                    agent.tell(transition)
            else:
                agent.stop()
                connection.send((None, agent))
                return
    except EOFError:  # Python is gone
        return
    except BaseException:
        connection.send((traceback.format_exc().rstrip(), None))

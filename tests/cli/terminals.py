"""A terminal in which the real program runs."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios

COMMAND = [sys.executable, "-W", "error", "-m", "genai_integrations.cli"]
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """The program in a terminal of its own."""

    def __init__(self, arguments, environ):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        # A session's first process gets the terminal that it opens first as its own, and so Ctrl-C.
        script = 'exec "$@" <"$0" >"$0" 2>&1'
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script, os.ttyname(slave), *COMMAND, *arguments],
            env=environ,
            start_new_session=True,
        )
        self._slave = slave
        self.raw = ""
        self._past = 0

    def type(self, keys):
        """Press keys."""
        os.write(self._master, keys.encode())

    def expect(self, pattern):
        """Read until the pattern stands in what came after the last one, and return the match."""
        while not (found := re.search(pattern, self._text()[self._past :])):
            assert self._more(), f"{pattern!r} did not come: {self._text()[self._past :]!r}"
        self._past += found.end()
        return found

    def insist(self, keys, pattern):
        """Press keys until the pattern comes: Python misses a Ctrl-C between two of readline's waits."""
        for _ in range(10):
            self.type(keys)
            if select.select([self._master], [], [], 2)[0]:
                break
        self.expect(pattern)

    def end(self):
        """Wait for the program, and return its exit code."""
        while self._more():
            pass
        return self._process.wait(30)

    def _text(self):
        """All that was shown, without colours and movements."""
        return ANSI.sub("", self.raw).replace("\r", "")

    def _more(self):
        """Wait for more to be shown; false when the program is gone."""
        ready, _, _ = select.select([self._master], [], [], 30)
        assert ready, f"nothing more came: {self._text()[self._past :]!r}"
        try:
            self.raw += os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            # Linux says so when nobody has the other side open any more.
            return False
        if self._slave is not None:
            # The program has it open by now.
            os.close(self._slave)
            self._slave = None
        return True

    def close(self):
        """Stop what is left."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for side in (self._master, self._slave):
            if side is not None:
                os.close(side)

"""Runs a program on a terminal of its own, of so many columns: its output goes to stdout,
what is read from stdin is typed, and its exit code is this one's."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

columns, program = int(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execv(program[0], program)
sources = [terminal, 0]
while terminal in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            text = os.read(source, 65536)
        except OSError:  # Linux says so when the last program on a terminal is gone.
            text = b""
        if not text:
            sources.remove(source)
        elif source == 0:
            os.write(terminal, text)
        else:
            os.write(1, text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

"""Runs a program with its standard input as the terminal that controls it, so that Ctrl-C and
job control work. Started as a script in a session of its own: `controlling.py PROGRAM ARGUMENT…`.

A script, because the step belongs between fork and exec, where a process with threads must not
run Python.
"""

import fcntl
import os
import sys
import termios

NOT_STARTED_CODE = 126


def main() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]}: {error.strerror}\n")
        raise SystemExit(NOT_STARTED_CODE) from error


if __name__ == "__main__":
    main()

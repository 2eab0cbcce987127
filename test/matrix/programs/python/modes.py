"""What each program does with its arguments: `identity` calls once, `loop SECONDS` once a second."""

import sys
import time


def run(connect, call):
    """`connect` makes the one client of a process, `call` asks AWS with it once."""
    if sys.argv[1] == "identity":
        try:
            call(connect())
        except Exception as error:  # whatever it is: what the person reads
            sys.exit(str(error))
        return
    end = time.monotonic() + float(sys.argv[2])
    client = connect()
    while time.monotonic() < end:
        try:
            call(client)
            print("ok", flush=True)
        except Exception as error:
            print("error:", error, flush=True)
        time.sleep(1)

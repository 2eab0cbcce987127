"""Tries to bind a port, in every way that may share or take it, until its stdin ends. Prints attempts and successes."""

import errno
import json
import select
import socket
import sys

port = int(sys.argv[1])
attempts = taken = 0
unexpected = []
WAYS = [
    (socket.AF_INET, "127.0.0.1"),
    (socket.AF_INET, "0.0.0.0"),
    (socket.AF_INET6, "::1"),
    (socket.AF_INET6, "::"),
]
OPTIONS = [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT]
print("trying", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    for family, host in WAYS:
        for option in OPTIONS:
            attempts += 1
            with socket.socket(family, socket.SOCK_STREAM) as thief:
                if option is not None:
                    thief.setsockopt(socket.SOL_SOCKET, option, 1)
                try:
                    thief.bind((host, port))
                    thief.listen()
                    taken += 1
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        unexpected.append(str(error))
print(json.dumps({"attempts": attempts, "taken": taken, "unexpected": unexpected[:3]}), flush=True)

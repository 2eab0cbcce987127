"""Runs a command in a session of the kernel's keys that holds one, and with the home open as descriptor 30: DESCRIPTION SECRET CMD…"""

import ctypes
import os
import sys

description, secret, *command = sys.argv[1:]
X86 = os.uname().machine == "x86_64"
NR_ADD_KEY, NR_KEYCTL = (248, 250) if X86 else (217, 219)
JOIN_SESSION_KEYRING, SESSION_KEYRING = 1, -3

libc = ctypes.CDLL(None, use_errno=True)
for result in (
    libc.syscall(NR_KEYCTL, JOIN_SESSION_KEYRING, None, 0, 0, 0),
    libc.syscall(NR_ADD_KEY, b"user", description.encode(), secret.encode(), len(secret), SESSION_KEYRING),
):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
os.dup2(os.open(os.environ["HOME"], os.O_RDONLY), 30)
os.execvp(command[0], command)

"""Asks AWS for SECONDS who it is, with one client; then prints its pid, the ARNs it was, and the keys that signed."""

import json
import os
import re
import sys
import time

import boto3

PAUSE_SECONDS = 0.25
arns, keys = {}, {}

# No credentials are given: the SDK's own default chain looks for them.
sts = boto3.client("sts")


def note_key(request, **_):
    authorization = request.headers["Authorization"]
    text = authorization.decode() if isinstance(authorization, bytes) else authorization
    keys[re.search("Credential=([^/]+)", text).group(1)] = True


# After the request was signed.
sts.meta.events.register("before-send.sts.GetCallerIdentity", note_key)

ends_at = time.monotonic() + float(sys.argv[1])
while time.monotonic() < ends_at:
    arns[sts.get_caller_identity()["Arn"]] = True
    time.sleep(PAUSE_SECONDS)
print(json.dumps({"pid": os.getpid(), "arns": list(arns), "keys": list(keys)}))

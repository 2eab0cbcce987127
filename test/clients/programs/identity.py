"""Who boto3 is, as `aws sts get-caller-identity` prints it. With SECONDS: again and again in this one process."""

import json
import os
import sys
import time

import boto3

PAUSE_SECONDS = 0.25

# AWS_ENDPOINT_URL is newer than the older release.
sts = boto3.client("sts", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
ends_at = time.time() + float(sys.argv[1] if len(sys.argv) > 1 else 0)
while True:
    answer = sts.get_caller_identity()
    print(json.dumps({name: answer[name] for name in ("UserId", "Account", "Arn")}), flush=True)
    if time.time() >= ends_at:
        break
    time.sleep(PAUSE_SECONDS)

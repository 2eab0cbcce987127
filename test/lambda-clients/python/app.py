"""Calls AWS as event["do"] says: the same in every language that the lease is tested in."""

import re
import time

import boto3

PAUSE_SECONDS = 0.25

# No credentials are given: the SDK's own default chain looks for them.
sts = boto3.client("sts")
s3 = boto3.client("s3")


def handler(event, context):
    return ACTIONS[event["do"]](event)


def identity():
    return sts.get_caller_identity()["Arn"]


def put_and_read(event):
    place = {"Bucket": event["bucket"], "Key": event["key"]}
    s3.put_object(**place, Body=event["text"].encode())
    text = s3.get_object(**place)["Body"].read().decode()
    listed = s3.list_objects_v2(Bucket=event["bucket"], Prefix=event["key"])
    return {"text": text, "keys": [each["Key"] for each in listed.get("Contents", [])]}


def watch(event):
    """Asks who it is again and again with one client, whose credentials come and end meanwhile; tells which keys signed."""
    arns, keys = {}, {}

    def note_key(request, **_):
        authorization = request.headers["Authorization"]
        text = authorization.decode() if isinstance(authorization, bytes) else authorization
        keys[re.search("Credential=([^/]+)", text).group(1)] = True

    # After the request was signed.
    sts.meta.events.register("before-send.sts.GetCallerIdentity", note_key)
    ends_at = time.monotonic() + event["seconds"]
    while time.monotonic() < ends_at:
        arns[identity()] = True
        time.sleep(PAUSE_SECONDS)
    return {"arns": list(arns), "keys": list(keys)}


ACTIONS = {
    "identity": lambda event: {"arn": identity()},
    "s3": put_and_read,
    "watch": watch,
}

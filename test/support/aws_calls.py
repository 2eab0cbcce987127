"""Calls AWS's API as the JSON on stdin lists it, [[service, method, parameters], ...], and prints the answers as one JSON array."""

import base64
import json
import sys

import boto3



def bytes_in(value):
    """JSON has no bytes: they are {"$bytes": BASE64}."""
    return base64.b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value


answers = []
for service, method, parameters in json.load(sys.stdin, object_hook=bytes_in):
    answer = getattr(boto3.client(service), method)(**parameters)
    answer.pop("ResponseMetadata", None)
    answers.append(answer)
json.dump(answers, sys.stdout, default=str)

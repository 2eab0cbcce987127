"""Calls AWS's API as the JSON on stdin lists it, [[service, method, parameters], ...], and prints the answers as one JSON array."""

import json
import sys

import boto3

answers = []
for service, method, parameters in json.load(sys.stdin):
    answer = getattr(boto3.client(service), method)(**parameters)
    answer.pop("ResponseMetadata", None)
    answers.append(answer)
json.dump(answers, sys.stdout, default=str)

"""Who AWS says this is, by the SDK's own default chain."""

import boto3

sts = boto3.client("sts")


def who(**more):
    return {"arn": sts.get_caller_identity()["Arn"], **more}

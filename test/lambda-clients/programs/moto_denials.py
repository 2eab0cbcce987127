"""moto as AWS, with IAM enforced: reads a role's policy as JSON from stdin, makes the calls below with boto3 by a session of that role, and
prints for each a JSON line: the action as policies name it, the resource, and what was said where it was refused."""

import json
import sys

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

REGION = "eu-west-1"
ACCOUNT = "123456789012"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}

CALLS = [
    ("dynamodb", "get_item", {"TableName": "orders", "Key": {"id": {"S": "1"}}}, "dynamodb:GetItem"),
    ("dynamodb", "put_item", {"TableName": "orders", "Item": {"id": {"S": "1"}}}, "dynamodb:PutItem"),
    ("dynamodb", "list_tables", {}, "dynamodb:ListTables"),
    ("s3", "list_buckets", {}, "s3:ListAllMyBuckets"),
    ("s3", "get_object", {"Bucket": "uploads", "Key": "a"}, "s3:GetObject"),
    ("s3", "put_object", {"Bucket": "uploads", "Key": "a", "Body": b""}, "s3:PutObject"),
    ("sqs", "list_queues", {}, "sqs:ListQueues"),
    ("sns", "list_topics", {}, "sns:ListTopics"),
    ("iam", "list_roles", {}, "iam:ListRoles"),
    ("secretsmanager", "list_secrets", {}, "secretsmanager:ListSecrets"),
    ("kms", "list_keys", {}, "kms:ListKeys"),
    ("ec2", "describe_instances", {}, "ec2:DescribeInstances"),
]


@mock_aws
def main():
    policy = sys.stdin.read()
    iam = boto3.client("iam", region_name=REGION, aws_access_key_id="AKIAADMIN", aws_secret_access_key="admin")
    iam.create_role(RoleName="orders-role", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="orders-role", PolicyName="orders", PolicyDocument=policy)
    sts = boto3.client("sts", region_name=REGION, aws_access_key_id="AKIAADMIN", aws_secret_access_key="admin")
    arn = f"arn:aws:iam::{ACCOUNT}:role/orders-role"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="orders")["Credentials"]
    own = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    with_auth = set_initial_no_auth_action_count(0)(lambda: [ask(own, *call) for call in CALLS])
    for line in with_auth():
        print(json.dumps(line), flush=True)


def ask(own, service, operation, parameters, action):
    client = boto3.client(service, region_name=REGION, **own)
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"):
            return {"action": action, "refused": str(error)}
    return {"action": action, "refused": None}


main()

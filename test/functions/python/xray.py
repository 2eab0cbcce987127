from aws_xray_sdk.core import patch_all, xray_recorder
from who import who

patch_all()


@xray_recorder.capture("create")
def create(order):
    return who(order=order, segment=xray_recorder.current_subsegment().name)


def handler(event, context):
    return create(event["order"])

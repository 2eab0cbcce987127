from chalice import Chalice
from who import who

app = Chalice(app_name="orders")


@app.lambda_function()
def create(event, context):
    return who(order=event["order"], name=context.function_name)


@app.on_sqs_message(queue="orders")
def consume(event):
    return who(bodies=[record.body for record in event])

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parser import BaseModel
from who import who


class Order(BaseModel):
    order: int


logger = Logger(service="orders")
app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/orders/<order_id>")
def create(order_id: str, order: Order) -> dict:
    logger.info("an order came")
    return who(order=order.order, id=order_id, greeting=parameters.get_parameter("/orders/greeting"))


@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)

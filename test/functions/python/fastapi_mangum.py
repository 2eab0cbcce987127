from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel
from who import who


class Order(BaseModel):
    order: int


app = FastAPI()


@app.post("/orders/{order_id}", status_code=201)
def create(order_id: str, order: Order):
    return who(order=order.order, id=order_id)


handler = Mangum(app, lifespan="off")

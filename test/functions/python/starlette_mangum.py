from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from who import who


async def create(request):
    body = await request.json()
    return JSONResponse(who(order=body["order"], id=request.path_params["order_id"]), status_code=201)


handler = Mangum(Starlette(routes=[Route("/orders/{order_id}", create, methods=["POST"])]), lifespan="off")

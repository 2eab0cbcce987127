import serverless_wsgi
from apig_wsgi import make_lambda_handler
from flask import Flask, request
from who import who

app = Flask(__name__)


@app.post("/orders/<order_id>")
def create(order_id):
    return who(order=request.get_json()["order"], id=order_id), 201


by_apig_wsgi = make_lambda_handler(app)


def by_serverless_wsgi(event, context):
    return serverless_wsgi.handle_request(app, event, context)

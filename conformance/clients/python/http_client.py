"""Plain JSON over HTTP with what Python itself brings, driven by JSON lines: a call on each line in, its answer out.

    python3 http_client.py HOST:PORT
"""
import http.client
import json
import sys

ADDRESS = sys.argv[1]


def perform(order):
    connection = http.client.HTTPConnection(ADDRESS, timeout=order["timeout"])
    body = json.dumps(order["requests"][0]).encode()
    try:
        # urllib sends each name once; this is the part of Python below it.
        connection.putrequest("POST", order["procedure"])
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in order["headers"]:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        response = connection.getresponse()
        return {"status": response.status, "body": response.read().decode()}
    finally:
        connection.close()


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        try:
            told = perform(order)
        except Exception as error:  # pylint: disable=broad-except
            told = {"broken": repr(error)}
        print(json.dumps({"id": order["id"], **told}), flush=True)

"""A gRPC client that is not ours, driven by JSON lines: a call on each line in, its answers and its end out.

    python3 client.py ADDRESS FOLDER_OF_GENERATED_STUBS [AUTHORITY [KEY CERTIFICATE]]
"""
import json
import queue
import sys
import threading

ADDRESS, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

# Health's stubs are named like a part of grpcio itself.
grpc.__path__.append(f"{STUBS}/grpc")
from google.protobuf import json_format  # noqa: E402
from api.users import users_pb2, users_pb2_grpc  # noqa: E402
from auth.v1 import api_keys_pb2, api_keys_pb2_grpc, auth_pb2, auth_pb2_grpc  # noqa: E402
from auth.v1 import users_pb2 as accounts_pb2, users_pb2_grpc as accounts_pb2_grpc  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402



def read(path):
    with open(path, "rb") as file:
        return file.read()


def connect(files):
    if not files:
        return grpc.insecure_channel(ADDRESS)
    return grpc.secure_channel(ADDRESS, grpc.ssl_channel_credentials(*map(read, files)))


CHANNEL = connect(sys.argv[3:])
SERVICES = {
    "api.users.UserService": (users_pb2, users_pb2_grpc.UserServiceStub(CHANNEL)),
    "auth.v1.UserService": (accounts_pb2, accounts_pb2_grpc.UserServiceStub(CHANNEL)),
    "auth.v1.ApiKeyService": (api_keys_pb2, api_keys_pb2_grpc.ApiKeyServiceStub(CHANNEL)),
    "auth.v1.AuthService": (auth_pb2, auth_pb2_grpc.AuthServiceStub(CHANNEL)),
    "grpc.health.v1.Health": (health_pb2, health_pb2_grpc.HealthStub(CHANNEL)),
}
PRINTING = threading.Lock()


def tell(line):
    with PRINTING:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def to_json(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, including_default_value_fields=True
    )


def error_info(call):
    for name, value in call.trailing_metadata() or ():
        if name != "grpc-status-details-bin":
            continue
        found = {}
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            retry = error_details_pb2.RetryInfo()
            quota = error_details_pb2.QuotaFailure()
            if detail.Unpack(info):
                found.update(reason=info.reason, domain=info.domain)
            elif detail.Unpack(retry):
                found["retry"] = retry.retry_delay.ToTimedelta().total_seconds()
            elif detail.Unpack(quota):
                found["quota"] = quota.violations[0].subject
        return found
    return {}


def perform(order, answer):
    _, service, name = order["procedure"].split("/")
    module, stub = SERVICES[service]
    method = module.DESCRIPTOR.services_by_name[service.split(".")[-1]].methods_by_name[name]
    new_request = getattr(module, method.input_type.name)
    requests = [json_format.ParseDict(each, new_request()) for each in order["requests"]]
    how = {"metadata": [tuple(header) for header in order["headers"]], "timeout": order["timeout"]}
    function = getattr(stub, name)
    take = order["take"]
    if not method.client_streaming and not method.server_streaming:
        return answer(function(requests[0], **how))
    if not method.server_streaming:
        return answer(function(iter(requests), **how))
    # The sending side of a bidirectional call stays open until enough was heard.
    enough = queue.Queue()

    def sending():
        yield from requests
        if take is not None:
            enough.get()

    call = function(sending() if method.client_streaming else requests[0], **how)
    try:
        for count, message in enumerate(call, 1):
            answer(message)
            if count == take:
                enough.put(None)
                if not method.client_streaming:
                    call.cancel()
                    return None
    finally:
        enough.put(None)
    return None


def serve(order):
    identity = order["id"]
    try:
        perform(order, lambda message: tell({"id": identity, "answer": to_json(message)}))
        tell({"id": identity, "code": 0, "message": ""})
    except grpc.RpcError as error:
        tell({"id": identity, "code": error.code().value[0], "message": error.details(), **error_info(error)})
    except Exception as error:  # pylint: disable=broad-except
        tell({"id": identity, "broken": repr(error)})


if __name__ == "__main__":
    for line in sys.stdin:
        threading.Thread(target=serve, args=(json.loads(line),), daemon=True).start()

"""A gRPC service that knows no credentials: it believes identity tokens alone.

    python3 users_service.py FOLDER_OF_GENERATED_STUBS FOLDER_OF_IDENTITY_PY JWKS_URL AUDIENCE

It prints its address, and ends with its standard input.
"""
import json
import sys
from concurrent import futures

STUBS, EXAMPLES, JWKS, AUDIENCE = sys.argv[1:5]
sys.path[:0] = [STUBS, EXAMPLES]

import grpc  # noqa: E402
import jwt  # noqa: E402
from api.users import users_pb2, users_pb2_grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from identity import HEADER, Identities  # noqa: E402

IDENTITIES = Identities(JWKS, AUDIENCE)
SERVICE = "/api.users.UserService/"


class Users(users_pb2_grpc.UserServiceServicer):
    def _caller(self, context, name):
        """The username of whoever calls; empty for nobody. Without a good token, nothing is answered."""
        tokens = [value for key, value in context.invocation_metadata() if key == HEADER]
        try:
            if len(tokens) > 1:
                raise jwt.InvalidTokenError("two tokens")
            claims = IDENTITIES.verify(tokens[0] if tokens else None, SERVICE + name)
        except jwt.PyJWTError as error:
            context.abort(grpc.StatusCode.INTERNAL, f"identity: {error}")
        return claims["username"] if claims else ""

    def GetUser(self, request, context):
        # Everything that came, for a test that looks for what must not come.
        seen = [[key, value] for key, value in context.invocation_metadata() if isinstance(value, str)]
        name = self._caller(context, "GetUser")
        return users_pb2.UserResponse(id=request.user_id, requested_by=name, bio=json.dumps(seen))

    def UpdateProfile(self, request, context):
        return users_pb2.UserResponse(requested_by=self._caller(context, "UpdateProfile"), bio=request.bio)

    def ListAllUsers(self, request, context):
        name = self._caller(context, "ListAllUsers")
        return users_pb2.ListAllUsersResponse(users=[users_pb2.UserResponse(requested_by=name)])

    def DeleteUser(self, request, context):
        self._caller(context, "DeleteUser")
        return empty_pb2.Empty()

    def WatchUsers(self, request, context):
        yield users_pb2.UserResponse(requested_by=self._caller(context, "WatchUsers"))

    def Upload(self, request_iterator, context):
        name = self._caller(context, "Upload")
        chunks = [message.chunk for message in request_iterator]
        return users_pb2.UploadResponse(chunks=len(chunks), uploaded_by=name)

    def Chat(self, request_iterator, context):
        name = self._caller(context, "Chat")
        for message in request_iterator:
            # "from" is a word of Python's own.
            yield users_pb2.ChatMessage(**{"text": message.text, "from": name})


if __name__ == "__main__":
    SERVER = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    users_pb2_grpc.add_UserServiceServicer_to_server(Users(), SERVER)
    PORT = SERVER.add_insecure_port("127.0.0.1:0")
    SERVER.start()
    print(f"127.0.0.1:{PORT}", flush=True)
    sys.stdin.read()
    SERVER.stop(None)

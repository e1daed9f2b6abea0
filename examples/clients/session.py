import os
import sys
import time

sys.path.insert(0, os.environ["STUBS"])  # made by protoc from proto/

import grpc
from api.users import users_pb2, users_pb2_grpc
from auth.v1 import auth_pb2, auth_pb2_grpc
from google.rpc import error_details_pb2, status_pb2

# TLS: grpc.secure_channel(address, grpc.ssl_channel_credentials())
channel = grpc.insecure_channel(os.environ["ADDRESS"])
auth = auth_pb2_grpc.AuthServiceStub(channel)
users = users_pb2_grpc.UserServiceStub(channel)


class Session:
    """Logs in, renews ahead of time, and once more when a call is refused for an old token."""

    def __init__(self, username, password):
        self.keep(auth.Login(auth_pb2.LoginRequest(username=username, password=password)))

    def keep(self, tokens):
        self.tokens = tokens
        self.renew_at = time.monotonic() + tokens.expires_in * 0.8

    def metadata(self):
        if time.monotonic() >= self.renew_at:
            self.renew()
        return (("authorization", f"Bearer {self.tokens.access_token}"),)

    def renew(self):
        request = auth_pb2.RefreshTokenRequest(refresh_token=self.tokens.refresh_token)
        self.keep(auth.RefreshToken(request))

    def call(self, method, request):
        try:
            return method(request, metadata=self.metadata())
        except grpc.RpcError as error:
            if reason_of(error) not in ("TOKEN_EXPIRED", "TOKEN_REVOKED"):
                raise
            self.renew()
            return method(request, metadata=self.metadata())


def reason_of(error):
    for name, value in error.trailing_metadata() or ():
        if name != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info) and info.domain == "countersign":
                return info.reason
    return None


session = Session(os.environ["NAME"], os.environ["PASSWORD"])
session.call(users.UpdateProfile, users_pb2.UpdateProfileRequest(bio="from Python"))
session.tokens.access_token = os.environ.get("OLD_TOKEN", session.tokens.access_token)
print(session.call(users.GetUser, users_pb2.GetUserRequest()).bio)
auth.Logout(auth_pb2.LogoutRequest(), metadata=session.metadata())
try:
    session.call(users.GetUser, users_pb2.GetUserRequest())
except grpc.RpcError as error:
    print(error.details())

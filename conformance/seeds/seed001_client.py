"""Seed 001's Python client, as written there but for names.

    python3 seed001_client.py STUBS ADDRESS SECRETS_FILE

The token is made as PyJWT and rest_framework_simplejwt make theirs, with nothing but Python's own library.
"""
import base64
import hashlib
import hmac
import json
import sys
import time
import uuid

STUBS, ADDRESS, SECRET = sys.argv[1:4]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402
from api.users import users_pb2 as user_pb2, users_pb2_grpc as user_pb2_grpc  # noqa: E402


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def access_token(user_id, lifetime):
    with open(SECRET, "rb") as file:
        key = file.read()
    now = int(time.time())
    header = {"typ": "JWT", "alg": "HS256"}
    payload = {
        "token_type": "access",
        "exp": now + lifetime,
        "iat": now,
        "jti": uuid.uuid4().hex,
        "user_id": user_id,
    }
    parts = [json.dumps(part, separators=(",", ":")) for part in (header, payload)]
    signed = b".".join(encoded(part.encode()) for part in parts)
    return (signed + b"." + encoded(hmac.new(key, signed, hashlib.sha256).digest())).decode()


# Connect to gRPC server
channel = grpc.insecure_channel(ADDRESS)
stub = user_pb2_grpc.UserServiceStub(channel)

# JWT token
token = access_token(user_id=3, lifetime=900)

# Create metadata with token
metadata = [
    ('authorization', f'Bearer {token}'),
]

# Call with authentication
request = user_pb2.GetUserRequest(user_id=1)
response = stub.GetUser(request, metadata=metadata)

print(f"User: {response.username}")
print(f"Asked by: {response.requested_by}")

# Unauthenticated requests
try:
    response = stub.UpdateProfile(user_pb2.UpdateProfileRequest(bio="x"))
except grpc.RpcError as e:
    if e.code() == grpc.StatusCode.UNAUTHENTICATED:
        print("Authentication required")

# Expired tokens
metadata = [('authorization', f'Bearer {access_token(user_id=3, lifetime=-60)}')]
try:
    response = stub.UpdateProfile(user_pb2.UpdateProfileRequest(bio="x"), metadata=metadata)
except grpc.RpcError as e:
    if e.code() == grpc.StatusCode.UNAUTHENTICATED:
        if "expired" in e.details().lower():
            print("Token expired - please refresh")

# Insufficient permissions
metadata = [('authorization', f'Bearer {token}')]
try:
    response = stub.DeleteUser(user_pb2.DeleteUserRequest(user_id=2), metadata=metadata)
except grpc.RpcError as e:
    if e.code() == grpc.StatusCode.PERMISSION_DENIED:
        print("You don't have permission for this action")

"""Seed 000's Python client, as written there but for names: python3 seed000_client.py STUBS ADDRESS KEY"""
import sys

STUBS, ADDRESS, KEY = sys.argv[1:4]
sys.path.insert(0, STUBS)

from api.users.users_pb2 import GetUserRequest, UpdateProfileRequest  # noqa: E402
from api.users.users_pb2_grpc import UserServiceStub  # noqa: E402

import grpc  # noqa: E402

# Add API key to metadata
metadata = [('x-api-key', KEY)]

with grpc.insecure_channel(ADDRESS) as channel:
    stub = UserServiceStub(channel)
    request = GetUserRequest()
    response = stub.GetUser(request, metadata=metadata)
    print(f"GetUser {response.username} asked by {response.requested_by}")
    # "In service": the user whom the key belongs to is changed, and saved.
    response = stub.UpdateProfile(UpdateProfileRequest(bio="Hello"), metadata=metadata)
    print(f"UpdateProfile {response.username} {response.bio}")

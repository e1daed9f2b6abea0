# grpcurl takes the same -H and -d, with -plaintext in the place of --http2-prior-knowledge.
buf curl --protocol grpc --http2-prior-knowledge -H "x-api-key: $KEY" \
  -d '{}' "http://$ADDRESS/api.users.UserService/GetUser"

# A session: log in, call with the access token, renew with the refresh token.
buf curl --protocol grpc --http2-prior-knowledge \
  -d "{\"username\":\"$NAME\",\"password\":\"$PASSWORD\"}" "http://$ADDRESS/auth.v1.AuthService/Login" > tokens.json
token() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" tokens.json; }
buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $(token accessToken)" \
  -d '{"bio":"from a shell"}' "http://$ADDRESS/api.users.UserService/UpdateProfile"
buf curl --protocol grpc --http2-prior-knowledge \
  -d "{\"refresh_token\":\"$(token refreshToken)\"}" "http://$ADDRESS/auth.v1.AuthService/RefreshToken" > tokens.json

"""Who calls a service behind a proxy: the identity token that Countersign signs, verified with PyJWT."""
import jwt

HEADER = "x-countersign-identity"
TYPE = "countersign-identity+jwt"


class Identities:
    """Verifies tokens for one service: `audience` is its name in `proxies.upstreams`."""

    def __init__(self, jwks_url, audience):
        self._keys = jwt.PyJWKClient(jwks_url)
        self._audience = audience

    def verify(self, token, procedure):
        """The claims of the caller, or None for an anonymous call. Raises jwt.PyJWTError for any other token."""
        if token is None:
            return None
        if jwt.get_unverified_header(token).get("typ") != TYPE:
            raise jwt.InvalidTokenError("another type of token")
        claims = jwt.decode(
            token,
            self._keys.get_signing_key_from_jwt(token).key,
            algorithms=["RS256", "ES256", "EdDSA"],
            audience=self._audience,
            options={"require": ["exp", "iat", "sub", "aud"]},
        )
        if claims.get("procedure") != procedure:
            raise jwt.InvalidTokenError("a token for another procedure")
        return claims

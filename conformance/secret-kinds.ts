// Every kind of secret that the product makes or is given. What is added later and has no place here fails a test by its name; a
// kind that is here and not tried does not compile.

/** What travels in messages and cookies: by the fields of `auth.v1` that carry it. */
const inMessages = {
  "a password": [
    ...["LoginRequest.password", "CreateUserRequest.password", "SetPasswordRequest.password"],
    ...[
      "EnrollTotpRequest.password",
      "DisableTotpRequest.password",
      "ChangePasswordRequest.current_password",
    ],
  ],
  "a new password": ["ChangePasswordRequest.new_password"],
  "an access token": [
    ...["LoginResponse.access_token", "RefreshTokenResponse.access_token", "InspectTokenRequest.token"],
  ],
  "a refresh token": [
    ...[
      "LoginResponse.refresh_token",
      "RefreshTokenRequest.refresh_token",
      "RefreshTokenResponse.refresh_token",
    ],
  ],
  "a minted token": ["MintTokenResponse.access_token"],
  "a TOTP secret": ["EnrollTotpResponse.secret", "EnrollTotpResponse.uri"],
  "a recovery code": ["ConfirmTotpResponse.recovery_codes"],
  "an API key": [...["CreateApiKeyResponse.key", "ApiKeyRequest.api_key", "ReportLeakedApiKeysRequest.keys"]],
  "a rotated API key": ["RotateApiKeyResponse.key"],
  "a one-time link": ["CreateApiKeyResponse.link", "RotateApiKeyResponse.link"],
  "a key out of a link": [],
  "the secret of an import": ["ImportApiKeysRequest.hmac_secret"],
  "a key that was made elsewhere": [],
  "an imported signing key": ["ImportSigningKeyRequest.key"],
  "a signing key of the server's own": [],
  "the cookie of the admin UI": [],
  "the CSRF token of the admin UI": [],
  "a guess": [],
  "the name of a stream": ["RenewStreamRequest.stream_id"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What a configuration holds: by the settings that docs/configuration.md calls a secret. */
const inSettings = {
  "the database's password": "database.url",
  "the master key": "master_key",
  "the secret of tokens": "auth.jwt.secret",
  "the private key of tokens": "auth.jwt.private_key",
  "the pepper": "auth.api_keys.pepper",
  "an earlier pepper": "auth.api_keys.previous_peppers[].pepper",
  "a static key": "auth.api_keys.static[].key",
  "an issuer's client secret": "auth.issuers[].client_secret",
  "an issuer's header": "auth.issuers[].authorization",
  "the development key": "auth.development_key",
  "the password of Redis": "redis.url",
  "the metrics token": "metrics.token",
} as const satisfies Readonly<Record<string, string>>;

export type MessageSecret = keyof typeof inMessages;
export type ConfiguredSecret = keyof typeof inSettings;

export const secretFields: ReadonlySet<string> = new Set(Object.values(inMessages).flat());
export const secretSettings: ReadonlySet<string> = new Set(Object.values(inSettings));

/** Fields that sound like a secret and are none. */
export const publicFields: ReadonlyMap<string, string> = new Map([
  ["ImportedApiKey.hash", "what an import is: a hash, whose key is looked for instead"],
  [
    "ImportApiKeysResult.same_hash",
    "a digest of what the caller has sent, of which nothing is kept in a dry run",
  ],
  ["AuditRecord.hash", "the chain of the audit log"],
  ["AuditRecord.sealed_with", "the name of a key"],
  ["VerifyAuditRequest.anchor_hash", "the chain of the audit log"],
  ["AuditVerdict.head_hash", "the chain of the audit log"],
  ["AuditRecord.api_key", "an id"],
  ["AuditFilter.api_key", "an id"],
  ["LoggedRequest.code", "a status"],
  ["RequestFilter.codes", "statuses"],
  ["LoginRequest.otp_code", "six digits, which stand anywhere by chance; good once, for a minute"],
  ["ChangePasswordRequest.otp_code", "likewise"],
  ["ConfirmTotpRequest.otp_code", "likewise"],
  ["DisableTotpRequest.otp_code", "likewise"],
]);

/** Names of members that tell nothing of anybody: ids of keys, positions in lists, `Bearer`. */
export const publicName =
  /^(page_token|next_page_token|token_type|.*_id|api_key|made_keys|revoked_keys|kid)$/;

export const secretSound =
  /secret|passw|token|key|code|link|credential|hash|seal|cookie|otp|pepper|hmac|salt|stream_id/;

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { RevocationEvent } from "../core/revocation.ts";
import type { RoleDefinition } from "../core/role.ts";
import {
  type Revocation,
  RevocationSchema,
  type RoleDefinitions,
  type RoleDefinitionsSchema,
} from "../gen/auth/v1/revocations_pb.ts";

/** An entry of the log as it is sent. */
export function revocationMessage(event: RevocationEvent): Revocation {
  return create(RevocationSchema, { entry: entryOf(event) });
}

type Entry = NonNullable<MessageInitShape<typeof RevocationSchema>["entry"]>;

function entryOf(event: RevocationEvent): Entry {
  switch (event.kind) {
    case "token":
      return { case: "token", value: event };
    case "session":
      return { case: "session", value: event };
    case "key":
      return { case: "key", value: { keyId: event.keyId, revoked: event.state === "revoked" } };
    case "user":
      return { case: "user", value: event };
    case "issued-before":
      return { case: "issuedBefore", value: event };
    case "signing-key":
      return { case: "signingKey", value: event };
    case "roles":
      return { case: "roles", value: {} };
    case "tenant":
      return { case: "tenant", value: { tenantId: event.tenantId, disabled: event.state === "disabled" } };
  }
}

/** An entry as it was received. Undefined for one that is not known here. */
export function revocationOf({ entry }: Revocation): RevocationEvent | undefined {
  switch (entry.case) {
    case "token": {
      const { issuer, jti, expiresAt } = entry.value;
      return { kind: "token", issuer, jti, expiresAt };
    }
    case "session": {
      const { sessionId, expiresAt } = entry.value;
      return { kind: "session", sessionId, expiresAt };
    }
    case "key": {
      const { keyId, revoked } = entry.value;
      return { kind: "key", keyId, state: revoked ? "revoked" : "changed" };
    }
    case "user": {
      const { userId, state } = entry.value;
      return isUserState(state) ? { kind: "user", userId, state } : undefined;
    }
    case "issuedBefore": {
      const { userId, before, expiresAt, sparesSessions } = entry.value;
      return { kind: "issued-before", userId, before, expiresAt, sparesSessions };
    }
    case "signingKey": {
      const { kid, expiresAt } = entry.value;
      return { kind: "signing-key", kid, expiresAt };
    }
    case "roles":
      return { kind: "roles" };
    case "tenant": {
      const { tenantId, disabled } = entry.value;
      return { kind: "tenant", tenantId, state: disabled ? "disabled" : "enabled" };
    }
    case undefined:
      return undefined;
  }
}

type UserState = Extract<RevocationEvent, { kind: "user" }>["state"];
const userStates: readonly string[] = ["disabled", "deleted", "enabled", "changed"] satisfies UserState[];

function isUserState(state: string): state is UserState {
  return userStates.includes(state);
}

/** Roles as they are sent. */
export function roleDefinitionsMessage(
  roles: readonly RoleDefinition[],
): MessageInitShape<typeof RoleDefinitionsSchema> {
  return {
    roles: roles.map(({ name, permissions, inherits = [] }) => ({
      name,
      permissions: [...permissions],
      inherits: [...inherits],
    })),
  };
}

/** Roles as they were received. */
export function roleDefinitionsOf({ roles }: RoleDefinitions): readonly RoleDefinition[] {
  return roles.map(({ name, permissions, inherits }) => ({ name, permissions, inherits }));
}

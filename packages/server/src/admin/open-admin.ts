import type { Auth, Principal } from "countersign";
import { AuthService, createRefreshTokens, createSeal } from "countersign/service";
import type { Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { HttpHandler } from "../listen/http.ts";
import { deriveKeys } from "../master-key.ts";
import type { ServedService } from "../served-service.ts";
import { AdminAssets } from "./admin-assets.ts";
import { AdminDoor } from "./admin-door.ts";
import { AdminExport } from "./admin-export.ts";
import { AdminLogin } from "./admin-login.ts";
import { AdminSessions } from "./admin-session.ts";

export interface AdminParts {
  readonly config: Config;
  readonly auth: Auth<Principal>;
  readonly store: Store;
  readonly services: readonly ServedService[];
  /** Every RPC over HTTP. */
  readonly rpc: HttpHandler;
  readonly caughtUp: () => Promise<void>;
  readonly onError: (error: unknown, procedure: string) => void;
  readonly warn: (message: string) => void;
}

/**
 * The admin UI. None where it is switched off, and where nobody could log in. A program that was run from its sources,
 * before anything was built, does without; where the UI was asked for, that is a `ConfigError`.
 */
export function openAdmin(parts: AdminParts): readonly HttpHandler[] {
  const { config, auth, store, services, rpc, caughtUp, onError, warn } = parts;
  const authService = services.find(({ descriptor }) => descriptor === AuthService);
  if (authService === undefined || config.admin.enabled === false) return [];
  const assets = assetsOf(config, warn);
  if (assets === undefined) return [];
  const keys = deriveKeys(config);
  const seal = createSeal(...keys.adminCookie);
  const adminSessions = new AdminSessions({
    seal,
    tokenKey: keys.adminToken[0],
    idleTimeout: config.admin.idle_timeout,
    lifetime: config.admin.session_lifetime,
    secure: config.http.tls !== undefined || config.http.behind_tls_proxy,
  });
  const login = new AdminLogin({
    ...{ auth, caughtUp, onError, adminSessions },
    users: store.users,
    sessions: store.sessions,
    refreshTokens: createRefreshTokens(...keys.refresh),
    handlers: authService.handlers,
  });
  const door = new AdminDoor({
    ...{ auth, login, rpc, onError },
    exports: new AdminExport({ auth, services, seal }),
    sessions: adminSessions,
    assets,
    credentials: { token: config.auth.jwt, api_key: config.auth.api_keys },
    about: { environment: config.environment, idle_timeout: config.admin.idle_timeout },
  });
  return [door.handle];
}

function assetsOf({ admin }: Config, warn: AdminParts["warn"]): AdminAssets | undefined {
  try {
    return new AdminAssets();
  } catch (error) {
    if (admin.enabled === true || !(error instanceof ConfigError)) throw error;
    warn(error.message);
    return undefined;
  }
}

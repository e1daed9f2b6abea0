import { keyNames, type Principal } from "./principal.ts";

/** A scope that names a service: a key that has one is good for those services only. */
export const serviceScope = "service:";

/** A key whose scopes name services is good for these; any key, unless it is denied it, for all of them. */
export function isForService({ apiKey }: Pick<Principal, "apiKey">, serviceName: string): boolean {
  if (apiKey === undefined) return true;
  const scope = `${serviceScope}${serviceName}`;
  const namesServices = apiKey.scopes.some((text) => text.startsWith(serviceScope));
  return namesServices ? keyNames(apiKey, scope) : apiKey.limits?.denies?.(scope) !== true;
}

import type { RequestMethod } from "@nestjs/common";
import type { ApplicationConfig, DiscoveryService, HttpAdapterHost, ModulesContainer } from "@nestjs/core";
import { RoutePathFactory } from "@nestjs/core/router/route-path-factory.js";

type Controller = ReturnType<DiscoveryService["getControllers"]>[number];
type RoutePathMetadata = Parameters<RoutePathFactory["create"]>[0];
type Adapter = HttpAdapterHost["httpAdapter"] | undefined;

/** Keys under which Nest leaves what its decorators and its `RouterModule` were told. */
const keys = { path: "path", version: "__version__", modulePath: "__module_path__" } as const;

/**
 * Under which paths Nest registers the methods of a controller: by its own means, and compared with what Express has. Throws
 * a `TypeError` for a path that Express does not know: it would be another than the one that is decided about.
 */
export function nestRoutes(config: ApplicationConfig, { applicationId }: ModulesContainer, adapter: Adapter) {
  const factory = new RoutePathFactory(config);
  const registered = registeredPaths(adapter);
  const globalPrefix = slashed(config.getGlobalPrefix());
  const versioningOptions = config.getVersioning();

  const known = (created: string): string => {
    const path = adapter?.normalizePath?.(created) ?? created;
    if (registered?.has(path) === false) throw new TypeError(`${path} is no route of Express`);
    return path;
  };

  return ({ metatype, host }: Controller) => {
    const within = host?.metatype;
    const route = {
      globalPrefix,
      modulePath: metadata(keys.modulePath + applicationId, within) ?? metadata(keys.modulePath, within),
      controllerVersion:
        versioningOptions && (metadata(keys.version, metatype) ?? versioningOptions.defaultVersion),
      versioningOptions,
    };
    return (handler: object, method: RequestMethod): readonly string[] =>
      pathsOf(metatype).flatMap((ctrlPath) =>
        pathsOf(handler).flatMap((methodPath) => {
          const methodVersion = metadata(keys.version, handler);
          const whole = { ...route, ctrlPath, methodPath, methodVersion } as RoutePathMetadata;
          return factory.create(whole, method).map(known);
        }),
      );
  };
}

/** Undefined for a microservice, which has no HTTP. */
function registeredPaths(adapter: Adapter): ReadonlySet<string> | undefined {
  if (adapter?.getType?.() !== "express") return undefined;
  const { router } = adapter.getInstance<{
    router: { stack: readonly { route?: { path?: unknown } | undefined }[] };
  }>();
  return new Set(
    router.stack.map(({ route }) => route?.path).filter((path): path is string => typeof path === "string"),
  );
}

function metadata(key: string, target: object | null | undefined): unknown {
  return target ? Reflect.getMetadata(key, target) : undefined;
}

function pathsOf(target: object | null): readonly string[] {
  return [(metadata(keys.path, target) as string | readonly string[] | undefined) ?? ""].flat().map(slashed);
}

/** As Nest hands them to its factory. */
function slashed(path: string): string {
  return path === "" || path.startsWith("/") || path.startsWith("{/") ? path : `/${path}`;
}

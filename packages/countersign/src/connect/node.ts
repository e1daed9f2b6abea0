/** Subpath `countersign/connect/node`: guarded routes as a listener of `node:http`, `node:https` and `node:http2`. */

export type { CorsOptions } from "../http/cors.ts";
export type { ConnectListenerOptions, NodeListener } from "./node/listener.ts";
export { connectListener } from "./node/listener.ts";

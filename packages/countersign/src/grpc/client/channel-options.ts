import type { ChannelOptions } from "@grpc/grpc-js";

/** A proxy of the environment's would get what is sent in clear. */
export const channelOptions: ChannelOptions = Object.freeze({ "grpc.enable_http_proxy": 0 });

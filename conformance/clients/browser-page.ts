import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { UserService } from "../../examples/gen/api/users/users_pb.ts";
import type { ClientCall, Outcome } from "./client.ts";
import { ConnectClient } from "./connect-client.ts";

// What runs in the page: connect-web over the browser's own fetch.

export interface PageCall {
  readonly protocol: keyof typeof transports;
  readonly baseUrl: string;
  readonly call: ClientCall;
}

/** What the page has besides what every page has. */
export interface CallingPage {
  callRpc(given: PageCall): Promise<Outcome>;
}

const transports = { "gRPC-Web": createGrpcWebTransport, Connect: createConnectTransport } as const;

const page: CallingPage = {
  callRpc({ protocol, baseUrl, call }) {
    const transport = transports[protocol]({ baseUrl });
    return new ConnectClient(transport, methodAt).call(call);
  },
};
Object.assign(globalThis, page);

function methodAt(procedure: string) {
  const found = UserService.methods.find(({ name }) => procedure === `/${UserService.typeName}/${name}`);
  if (found === undefined) throw new Error(`the page does not know ${procedure}`);
  return found;
}

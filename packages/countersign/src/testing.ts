/**
 * Subpath `countersign/testing`: for tests of services that are guarded by this library, and of stores of one's own. With a
 * transport: `countersign/testing/grpc` and `countersign/testing/connect`.
 */

export { fakeAccount, fakeCall, fakePrincipal } from "./testing/fake-call.ts";
export { FakeClock } from "./testing/fake-clock.ts";
export type { MockContextOptions } from "./testing/mock-context.ts";
export { MockContext } from "./testing/mock-context.ts";
export type { OpenedStore, OpenStore, TestRunner } from "./testing/store-suite.ts";
export { limitSuite, storeSuite } from "./testing/store-suite.ts";
export type { TestApiKey } from "./testing/test-credentials.ts";
export { signTestToken, testApiKey, testKeys, testPepper } from "./testing/test-credentials.ts";
export type { IssuerEndpoint, IssuerFault, IssuerKey } from "./testing/test-issuer.ts";
export { issuerKey, TestIssuer } from "./testing/test-issuer.ts";

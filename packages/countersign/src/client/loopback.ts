/** 127.0.0.0/8 as four decimal numbers: whatever else begins with 127 is a name, and a name server may say anything of it. */
const ofThisMachine = /^127(\.(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])){3}$/;

/** Is this name or address, without brackets, the machine itself? */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || ofThisMachine.test(host);
}

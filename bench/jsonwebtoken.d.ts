/** The part of jsonwebtoken that is measured; its types are in a package of their own. */
declare module "jsonwebtoken" {
  import type { KeyObject } from "node:crypto";

  const jsonwebtoken: {
    verify(token: string, key: KeyObject, options: { readonly algorithms: readonly string[] }): object;
  };
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it
  export default jsonwebtoken;
}

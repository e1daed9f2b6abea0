/** What a key begins with, up to its id, which is no secret. */
export interface KeyStart {
  readonly id: string;
  /** More of the key follows, which is a secret. */
  readonly isWhole: boolean;
}

/** Reads what a text begins with. Undefined for what begins as no key of ours. */
export function readKeyStart(text: string): KeyStart | undefined {
  const [, id, more] = /^[a-z0-9]{2,16}_[a-z0-9]{2,16}_([0-9A-Za-z]{17})(_|$)/.exec(text) ?? [];
  return id === undefined ? undefined : { id, isWhole: more === "_" };
}

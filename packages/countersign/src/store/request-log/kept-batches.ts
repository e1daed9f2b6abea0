/** For how long it is known which batch of a writer was the last. */
export const keepBatchesMs = 30 * 86_400_000;

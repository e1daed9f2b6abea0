/** How often rows go into a file, and how many at once: it has one writer, and the more rows that writes, the fewer pages it writes twice. */
export const filePace = Object.freeze({ batchSize: 4000, flushEveryMs: 500 });

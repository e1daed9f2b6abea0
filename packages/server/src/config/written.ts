import { z } from "zod";

/** How a value is written in the file, for members that are read into something else. */
export const written = z.registry<{ readonly write: (value: never) => string }>();

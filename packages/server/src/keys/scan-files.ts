import { createReadStream, lstatSync, type Stats, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createKeyScanner, type FoundKey } from "countersign/api-key";

/** A key, and where it was found. */
export interface Leak extends FoundKey {
  readonly file: string;
}

/** Something that could not be looked at. */
export interface Unread {
  readonly file: string;
  readonly problem: string;
}

export interface ScanResult {
  readonly leaks: readonly Leak[];
  readonly unread: readonly Unread[];
  readonly files: number;
  readonly bytes: number;
}

export interface ScanOptions {
  readonly prefix: string;
  /** Hears how far it is, for each piece of a file. */
  readonly onProgress?: (files: number, bytes: number) => void;
}

/** Read from standard input. */
export const standardInput = "-";

const pieceBytes = 1 << 20;

/** Those of the paths where nothing is. What cannot be looked at for another reason is told with the rest. */
export function missingPaths(paths: readonly string[]): readonly string[] {
  const missing: string[] = [];
  for (const path of paths) {
    if (path === standardInput) continue;
    lookAt(path, statSync, (where, error) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") missing.push(where);
    });
  }
  return missing;
}

/**
 * Looks for keys in files and folders. Everything in a folder is looked at, hidden or ignored or not, but for what is linked to: it
 * may be outside. A path that was named is followed.
 */
export async function scanFiles(
  paths: readonly string[],
  { prefix, onProgress }: ScanOptions,
): Promise<ScanResult> {
  const leaks: Leak[] = [];
  const unread: Unread[] = [];
  let [files, bytes] = [0, 0];
  const search = async (file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> => {
    const scanner = createKeyScanner({ prefix });
    const keep = (found: readonly FoundKey[]): void =>
      void leaks.push(...found.map((key) => ({ ...key, file })));
    files += 1;
    try {
      for await (const piece of pieces) {
        bytes += piece.length;
        keep(scanner.push(piece));
        onProgress?.(files, bytes);
      }
    } catch (error) {
      unread.push({ file, problem: problemOf(error) });
    }
    keep(scanner.end());
  };
  for (const path of paths) {
    if (path === standardInput) {
      await search(path, process.stdin as AsyncIterable<Uint8Array>);
      continue;
    }
    for await (const file of filesIn(path, (where, error) =>
      unread.push({ file: where, problem: problemOf(error) }),
    ))
      await search(file, createReadStream(file, { highWaterMark: pieceBytes }));
  }
  return { leaks, unread, files, bytes };
}

type OnProblem = (path: string, error: unknown) => void;

async function* filesIn(path: string, onProblem: OnProblem): AsyncGenerator<string> {
  const named = lookAt(path, statSync, onProblem);
  if (named === undefined) return;
  if (named.isFile()) yield path;
  else if (named.isDirectory()) yield* filesBelow(path, onProblem);
  else onProblem(path, new Error("neither a file nor a folder"));
}

async function* filesBelow(folder: string, onProblem: OnProblem): AsyncGenerator<string> {
  let names: string[];
  try {
    names = (await readdir(folder)).sort();
  } catch (error) {
    onProblem(folder, error);
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    const found = lookAt(path, lstatSync, onProblem);
    if (found?.isDirectory()) yield* filesBelow(path, onProblem);
    else if (found?.isFile()) yield path;
  }
}

function lookAt(path: string, look: (path: string) => Stats, onProblem: OnProblem): Stats | undefined {
  try {
    return look(path);
  } catch (error) {
    onProblem(path, error);
    return undefined;
  }
}

function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

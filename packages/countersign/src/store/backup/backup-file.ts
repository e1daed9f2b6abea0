import { type KeyObject, randomBytes, scrypt } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { BackupError, type BackupPart, type Snapshot } from "./backup-part.ts";
import { frameKey, fromFrames, toFrames } from "./frames.ts";
import { fromLines, toLines } from "./part-lines.ts";

/** What a backup says of itself, before anything in it is read. */
export interface BackupHeader {
  readonly createdAt: Date;
  /** The version of the database's schema. */
  readonly schemaVersion: number;
  readonly encrypted: boolean;
}

/** A backup that is there. */
export interface Backup {
  readonly header: BackupHeader;
  /** Reads it once. Throws `BackupError` as soon as something is wrong with it, at the latest at its end. */
  parts(passphrase?: string): AsyncIterable<BackupPart>;
}

export interface WriteBackupOptions {
  readonly passphrase?: string | undefined;
  readonly createdAt: Date;
  /** Replace what is there. Default: that is an error with the code EEXIST. */
  readonly overwrite?: boolean | undefined;
}

const format = "countersign-backup";
const version = 1;
const longestHeader = 4096;
/** RFC 7914; 128 MB and half a second for each guess. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
const mostMemory = 512 * 1024 * 1024;

interface Encryption {
  readonly kdf: "scrypt";
  readonly salt: string;
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/**
 * Writes a snapshot to a file for its owner alone: one line of JSON, and then gzip in frames. It has its name once it is whole and on the
 * disk. Returns how many bytes it has.
 */
export async function writeBackup(
  path: string,
  snapshot: Snapshot,
  { passphrase, createdAt, overwrite = false }: WriteBackupOptions,
): Promise<number> {
  const encryption = passphrase === undefined ? undefined : newEncryption();
  const about = { format, version, created_at: createdAt.toISOString(), schema: snapshot.schemaVersion };
  const header = Buffer.from(`${JSON.stringify({ ...about, encryption })}\n`);
  const key =
    passphrase === undefined || encryption === undefined ? undefined : await derive(passphrase, encryption);
  // Taken before the work begins, so that nothing is overwritten after it.
  if (!overwrite) await (await open(path, "wx", 0o600)).close();
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, "w", 0o600);
    const size = await fill(file, header, toFrames(gzipped(snapshot.parts), { header, key }));
    await rename(partial, path);
    await sync(dirname(path));
    return size;
  } catch (error) {
    await Promise.all([rm(partial, { force: true }), overwrite ? undefined : rm(path, { force: true })]);
    throw error;
  }
}

/** Looks at a file. Throws `BackupError` for one that is no backup, or of a later format. */
export async function openBackup(path: string): Promise<Backup> {
  const header = await readHeader(path);
  const { created_at: createdAt, schema, encryption } = parseHeader(header);
  return {
    header: { createdAt: new Date(createdAt), schemaVersion: schema, encrypted: encryption !== undefined },
    async *parts(passphrase) {
      if (encryption !== undefined && passphrase === undefined)
        throw new BackupError("the backup is encrypted: a passphrase is needed");
      const key =
        encryption === undefined || passphrase === undefined
          ? undefined
          : await derive(passphrase, encryption);
      yield* fromLines(unzipped(path, header, key));
    },
  };
}

async function fill(
  file: FileHandle,
  header: Uint8Array,
  frames: AsyncIterable<Uint8Array>,
): Promise<number> {
  let size = header.length;
  const counted = async function* () {
    yield header;
    for await (const frame of frames) {
      size += frame.length;
      yield frame;
    }
  };
  await pipeline(counted, createWriteStream("", { fd: file, flush: true }));
  return size;
}

async function* gzipped(parts: AsyncIterable<BackupPart>): AsyncGenerator<Uint8Array> {
  // Half the work of the usual level, and a tenth more bytes.
  const gzip = createGzip({ level: 3 });
  const done = pipeline(toLines(parts), gzip, { end: true });
  // Its failure ends the reading below too, and is thrown there.
  done.catch(() => {});
  yield* gzip as AsyncIterable<Uint8Array>;
  await done;
}

async function* unzipped(
  path: string,
  header: Uint8Array,
  key: KeyObject | undefined,
): AsyncGenerator<string> {
  const bytes = createReadStream(path, { start: header.length });
  const gunzip = createGunzip();
  const done = pipeline(fromFrames(bytes as AsyncIterable<Uint8Array>, { header, key }), gunzip);
  done.catch(() => {});
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>)
      yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
    await done;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const foreign = error instanceof TypeError || code?.startsWith("Z_") === true;
    throw foreign ? new BackupError("the backup is damaged, or was cut off") : error;
  }
}

async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(longestHeader), position: 0 });
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
    if (end < 0) throw noBackup();
    return Buffer.from(buffer.subarray(0, end + 1));
  } finally {
    await file.close();
  }
}

interface HeaderLine {
  readonly created_at: string;
  readonly schema: number;
  readonly encryption?: Encryption | undefined;
}

function parseHeader(bytes: Buffer): HeaderLine {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch {
    throw noBackup();
  }
  const { format: name, version: found, created_at: createdAt, schema, encryption } = Object(value);
  if (name !== format) throw noBackup();
  if (found !== version)
    throw new BackupError(`the backup has format ${String(found)}, and this program knows ${version}`);
  const at = typeof createdAt === "string" && !Number.isNaN(Date.parse(createdAt));
  if (!at || !Number.isSafeInteger(schema) || (encryption !== undefined && !isEncryption(encryption)))
    throw noBackup();
  return value as unknown as HeaderLine;
}

/** Also that it does not ask for more memory than there is. */
function isEncryption(value: unknown): boolean {
  const { kdf, salt, N, r, p } = Object(value) as Partial<Encryption>;
  const numbers = [N, r, p].every((number) => Number.isSafeInteger(number) && Number(number) > 0);
  return (
    kdf === "scrypt" &&
    typeof salt === "string" &&
    numbers &&
    128 * Number(N) * Number(r) * Number(p) < mostMemory
  );
}

function newEncryption(): Encryption {
  return { kdf: "scrypt", salt: randomBytes(16).toString("base64"), ...cost };
}

function derive(passphrase: string, { salt, N, r, p }: Encryption): Promise<KeyObject> {
  const options = { N, r, p, maxmem: mostMemory };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), Buffer.from(salt, "base64"), 32, options, (error, bytes) =>
      error === null ? resolve(frameKey(bytes)) : reject(error),
    );
  });
}

/** The name of a new file is on the disk when its folder is. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

function noBackup(): BackupError {
  return new BackupError("the file is no backup of Countersign's");
}

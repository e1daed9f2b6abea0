import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { BackupError } from "./backup-part.ts";

/** How much of the content one frame carries. */
const frameSize = 64 * 1024;
const lengthSize = 4;
const tagSize = 16;
const digestSize = 32;

/**
 * Cuts bytes into frames: a length of four bytes, and the piece; with a key, each sealed by AES-256-GCM under its number, with the
 * header of the file as what is authenticated besides. Then a length of 0, and SHA-256 of the header and of everything before. A key is used
 * for one file.
 */
export async function* toFrames(
  bytes: AsyncIterable<Uint8Array>,
  { header, key }: { readonly header: Uint8Array; readonly key: KeyObject | undefined },
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256").update(header);
  let number = 0;
  for await (const piece of pieces(bytes)) {
    const content = key === undefined ? piece : seal(piece, { key, number, header });
    number += 1;
    const frame = Buffer.concat([lengthOf(content.length), content]);
    hash.update(frame);
    yield frame;
  }
  hash.update(lengthOf(0));
  yield Buffer.concat([lengthOf(0), hash.digest()]);
}

/** The opposite. Throws `BackupError` for a frame that is not as it was written, and for an end that is missing. */
export async function* fromFrames(
  bytes: AsyncIterable<Uint8Array>,
  { header, key }: { readonly header: Uint8Array; readonly key: KeyObject | undefined },
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256").update(header);
  const reader = new ByteReader(bytes);
  for (let number = 0; ; number += 1) {
    const head = await reader.take(lengthSize);
    hash.update(head);
    const length = head.readUInt32BE(0);
    if (length === 0) break;
    if (length > frameSize + tagSize) throw damaged();
    const content = await reader.take(length);
    hash.update(content);
    yield key === undefined ? content : open(content, { key, number, header });
  }
  if (!timingSafeEqual(await reader.take(digestSize), hash.digest()) || !(await reader.isAtEnd()))
    throw damaged();
}

interface Seal {
  readonly key: KeyObject;
  readonly number: number;
  readonly header: Uint8Array;
}

function seal(piece: Uint8Array, { key, number, header }: Seal): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(number)).setAAD(header);
  const text = [cipher.update(piece), cipher.final()];
  return Buffer.concat([...text, cipher.getAuthTag()]);
}

function open(content: Uint8Array, { key, number, header }: Seal): Buffer {
  const end = content.length - tagSize;
  if (end < 0) throw damaged();
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(number), { authTagLength: tagSize });
    decipher.setAAD(header).setAuthTag(content.subarray(end));
    return Buffer.concat([decipher.update(content.subarray(0, end)), decipher.final()]);
  } catch {
    throw number === 0
      ? new BackupError("the passphrase is not the one that the backup was encrypted with, or it is damaged")
      : damaged();
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

/** A key of 32 bytes. */
export function frameKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    held.push(chunk);
    size += chunk.length;
    if (size < frameSize) continue;
    const whole = Buffer.concat(held);
    let start = 0;
    for (; whole.length - start >= frameSize; start += frameSize)
      yield whole.subarray(start, start + frameSize);
    held = [whole.subarray(start)];
    size = whole.length - start;
  }
  if (size > 0) yield Buffer.concat(held);
}

/** Bytes by number. Throws `BackupError` where there are too few. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count) {
      if (!(await this.#more())) throw damaged();
    }
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#source.next();
    if (done === true) return false;
    this.#held = Buffer.concat([this.#held, value]);
    return true;
  }
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(lengthSize);
  bytes.writeUInt32BE(length);
  return bytes;
}

function damaged(): BackupError {
  return new BackupError("the backup is damaged, or was cut off");
}

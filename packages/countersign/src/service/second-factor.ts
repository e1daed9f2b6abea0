import { hash, randomBytes } from "node:crypto";
import { CallError } from "../core/call-error.ts";
import type { Seal } from "../session/seal.ts";
import { matchTotp, toBase32 } from "../session/totp.ts";
import { Conflict } from "../store/contracts.ts";
import type { TotpStore } from "../store/session-contracts.ts";

export interface SecondFactorOptions {
  readonly totp: TotpStore;
  readonly seal: Seal;
  /** How an authenticator app names the account's home. */
  readonly issuer: string;
  readonly now: () => Date;
}

/** - `unnecessary`: the account has no second factor. `missing`: it has one, and no code was given. */
export type FactorResult = "unnecessary" | "missing" | "wrong" | "right";

const secretBytes = 20;
const recoveryCodes = 10;

/** Codes of an authenticator app, and the recovery codes for the day when it is lost. */
export class SecondFactor {
  readonly #options: SecondFactorOptions;

  constructor(options: SecondFactorOptions) {
    this.#options = options;
  }

  /** Uses a code up, if it is right. */
  async check(userId: string, code: string): Promise<FactorResult> {
    const { totp } = this.#options;
    const record = await totp.load(userId);
    if (record?.confirmedAt === undefined) return "unnecessary";
    if (code === "") return "missing";
    const step = this.#stepOf(userId, record.sealedSecret, code);
    if (step !== undefined) return (await totp.useStep(userId, step)) ? "right" : "wrong";
    const digest = recoveryDigest(userId, code);
    return digest !== undefined && (await totp.useRecoveryCode(userId, digest)) ? "right" : "wrong";
  }

  /** Is a code asked for? */
  async isOn(userId: string): Promise<boolean> {
    return (await this.#options.totp.load(userId))?.confirmedAt !== undefined;
  }

  async enroll(userId: string, username: string): Promise<{ readonly secret: string; readonly uri: string }> {
    const { totp, seal, issuer } = this.#options;
    const bytes = randomBytes(secretBytes);
    await totp.enroll(userId, seal.seal(bytes, totpPurpose(userId))).catch((error: unknown) => {
      if (error instanceof Conflict) throw isOn();
      throw error;
    });
    const secret = toBase32(bytes);
    const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(username)}`;
    return { secret, uri: `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}` };
  }

  /** Takes the first code. Answers with recovery codes, of which digests are kept. */
  async confirm(userId: string, code: string): Promise<readonly string[]> {
    const { totp } = this.#options;
    const record = await totp.load(userId);
    if (record === undefined) throw new CallError("FAILED_PRECONDITION", "No second factor was enrolled");
    if (record.confirmedAt !== undefined) throw isOn();
    const step = this.#stepOf(userId, record.sealedSecret, code);
    if (step === undefined) throw new CallError("INVALID_ARGUMENT", "That code is not right", [wrongCode]);
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    const digests = codes.map((fresh) => recoveryDigest(userId, fresh) ?? new Uint8Array());
    if (await totp.confirm(userId, { step, sealedSecret: record.sealedSecret }, digests)) return codes;
    throw new CallError("ABORTED", "The second factor was enrolled again meanwhile");
  }

  #stepOf(userId: string, sealedSecret: Uint8Array, code: string): number | undefined {
    const { seal, now } = this.#options;
    return matchTotp(seal.open(sealedSecret, totpPurpose(userId)), code, now().getTime());
  }
}

const wrongCode = { field: "otp_code", description: "not a code of this moment; is the clock right?" };

function isOn(): CallError {
  return new CallError("FAILED_PRECONDITION", "The second factor is on already");
}

/** What the sealed secret of a user is bound to. */
export function totpPurpose(userId: string): string {
  return `totp:${userId}`;
}

/** 80 random bits as `xxxx-xxxx-xxxx-xxxx`. */
function newRecoveryCode(): string {
  const text = toBase32(randomBytes(10)).toLowerCase();
  return (text.match(/.{4}/g) ?? []).join("-");
}

function recoveryDigest(userId: string, code: string): Uint8Array | undefined {
  const bare = code.toLowerCase().replaceAll(/[\s-]/g, "");
  return /^[a-z2-7]{16}$/.test(bare) ? hash("sha256", `recovery\n${userId}\n${bare}`, "buffer") : undefined;
}

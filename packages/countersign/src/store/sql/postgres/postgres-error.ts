import { Conflict, StoreUnavailable } from "../../contracts.ts";
import { alreadyLinked } from "../../linked-identity.ts";
import { taken } from "../../user-conflict.ts";

/** No answer within the time. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/** The server answers, and is not the one that is wanted: a standby, or one that is too old. */
export class WrongServer extends Error {
  override readonly name = "WrongServer";
}

/** What PostgreSQL or the way to it said, without the values of rows and statements, and without credentials. */
export class PostgresFault extends Error {
  override readonly name = "PostgresFault";
  /** SQLSTATE, or the code of a system call. */
  readonly code: string | undefined;
  readonly constraint: string | undefined;

  constructor(message: string, code: string | undefined, constraint?: string) {
    super(message);
    this.code = code;
    this.constraint = constraint;
  }
}

interface Remedy {
  readonly cause: string;
  readonly remedy: string;
}

const unreachable: Remedy = {
  cause: "it cannot be reached",
  remedy: "see that PostgreSQL runs there and may be connected to",
};

/** SQLSTATE (PostgreSQL's appendix A) or its class, and codes of Node: what is no fault of the statement. */
const remedies: Readonly<Record<string, Remedy>> = {
  "08": unreachable,
  "28": {
    cause: "it does not admit this user with this password",
    remedy: "look at the URL and at pg_hba.conf",
  },
  "3D000": { cause: "there is no such database", remedy: "create it, or name another one" },
  "25006": { cause: "it is read-only", remedy: "connect to the primary server" },
  "25P03": { cause: "it ended a transaction that stood still for too long", remedy: "try again" },
  "40001": { cause: "another transaction was in the way", remedy: "try again" },
  "40P01": { cause: "another transaction was in the way", remedy: "try again" },
  "42501": {
    cause: "this user lacks a right",
    remedy: "make it the owner of the database, or of the schema that is used",
  },
  "53": { cause: "it lacks room or connections", remedy: "look at its disk, memory and max_connections" },
  "55P03": { cause: "another process holds the write lock", remedy: "end that process, or try again" },
  "57014": { cause: "it needed too long for a statement", remedy: "try again; look at what keeps it busy" },
  "57P": { cause: "it is starting or stopping", remedy: "try again" },
  "58": { cause: "its disk fails", remedy: "look at its log" },
  XX: { cause: "it has an internal error", remedy: "look at its log, and restore a backup if it is damaged" },
  ECONNREFUSED: unreachable,
  ENOENT: unreachable,
  ENOTFOUND: { cause: "its host name is not known", remedy: "look at the URL, and at the name service" },
  EAI_AGAIN: { cause: "the name service does not answer", remedy: "try again; look at the name service" },
};

/** Unique constraints, and what to tell if the check in the transaction was not what found the duplicate. */
const conflicts: Readonly<Record<string, () => Conflict>> = {
  users_username_folded_key: () => taken("username"),
  users_email_folded_key: () => taken("email"),
  api_keys_pkey: () => new Conflict("id", "this id is in use"),
  api_keys_names: () => new Conflict("name", "another key of this user has this name"),
  sessions_pkey: () => new Conflict("id", "this id is in use"),
  signing_keys_pkey: () => new Conflict("kid", "this kid is in use"),
  linked_identities_key: alreadyLinked,
};

const uniqueViolation = "23505";
const tooLongForAnIndex = "54000";

/** A transaction that may simply be tried again: it left nothing behind. */
export function isCollision(error: unknown): boolean {
  const { code } = faultOf(error);
  return code === "40001" || code === "40P01";
}

/** Whether this says that the server is away, and not merely that it refused: the connection is of no more use. */
export function isOutage(error: unknown): boolean {
  if (error instanceof TimedOut || error instanceof WrongServer) return true;
  const { code, isSqlState } = read(error);
  if (isSqlState) return /^(08|57P|25006|25P03)/.test(code ?? "");
  // What pg throws at a programmer is a TypeError; all else without SQLSTATE is the connection.
  return !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError);
}

/** What to throw for an error of `pg`: never that error itself, because it quotes rows. */
export function postgresError(name: string, error: unknown): unknown {
  if (error instanceof StoreUnavailable || error instanceof Conflict) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error;
  const fault = faultOf(error);
  const conflict = fault.code === uniqueViolation && conflicts[fault.constraint ?? ""];
  if (conflict) return conflict();
  if (fault.code === tooLongForAnIndex)
    return new Conflict("id", "a name, an id or an address is too long to be stored");
  const remedy = remedyOf(error, fault);
  return remedy === undefined ? fault : storeUnavailable(name, remedy, fault);
}

/** One line that names the database, the cause and the remedy. */
export function storeUnavailable(name: string, { cause, remedy }: Remedy, error?: unknown): StoreUnavailable {
  return new StoreUnavailable(`${name}: ${cause}; ${remedy}`, { cause: error });
}

function remedyOf(error: unknown, { code = "", message }: PostgresFault): Remedy | undefined {
  if (error instanceof WrongServer) return { cause: message, remedy: "name another server" };
  if (error instanceof TimedOut) return { cause: "it does not answer in time", remedy: "see how it is" };
  const known = remedies[code] ?? remedies[code.slice(0, 3)] ?? remedies[code.slice(0, 2)];
  if (known !== undefined) return known;
  if (read(error).isSqlState) return undefined;
  return { cause: `the connection failed (${message})`, remedy: "see that PostgreSQL runs there" };
}

function faultOf(error: unknown): PostgresFault {
  if (error instanceof PostgresFault) return error;
  const { code, isSqlState, constraint } = read(error);
  return new PostgresFault(isSqlState ? sqlMessage(error, code ?? "") : wayMessage(error), code, constraint);
}

/** Data exceptions (class 22) quote the data. */
function sqlMessage(error: unknown, code: string): string {
  return code.startsWith("22") ? `SQLSTATE ${code}` : `SQLSTATE ${code}: ${(error as Error).message}`;
}

/** Several addresses that all failed are an AggregateError without a text. */
function wayMessage(error: unknown): string {
  const { message, code } = Object(error) as { message?: string; code?: string };
  return message || code || "no connection";
}

interface Read {
  readonly code: string | undefined;
  readonly isSqlState: boolean;
  readonly constraint: string | undefined;
}

function read(error: unknown): Read {
  const { code, constraint, severity } = Object(error) as Readonly<Record<string, unknown>>;
  const text = typeof code === "string" ? code : undefined;
  // Errors of the server have a severity; codes of Node such as EPIPE have five letters as well.
  const isSqlState =
    text !== undefined &&
    (severity !== undefined || error instanceof PostgresFault) &&
    /^[0-9A-Z]{5}$/.test(text);
  return { code: text, isSqlState, constraint: typeof constraint === "string" ? constraint : undefined };
}

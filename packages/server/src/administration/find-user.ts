import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type User, UserService } from "countersign/descriptors";
import { CommandFailure, failureOf } from "../terminal/failure.ts";
import type { Administration } from "./administration.ts";

type Selector = MessageInitShape<(typeof UserService.method.getUser)["input"]>["selector"] & object;

type GetUserResponse = MessageShape<(typeof UserService.method.getUser)["output"]>;

/** An account as GetUser tells of it. */
export type Account = GetUserResponse & { readonly user: User };

function isAccount(answer: GetUserResponse | undefined): answer is Account {
  return answer?.user !== undefined;
}

/**
 * The user that a person means by a username, an id or an email. A username may look like another user's id or email:
 * then nobody is chosen, and `id:7`, `username:7` or `email:…` says which one is meant.
 */
export async function findUser(administration: Administration, name: string): Promise<User> {
  return (await findAccount(administration, name)).user;
}

/** The same, with what is told of one account alone. */
export async function findAccount(administration: Administration, name: string): Promise<Account> {
  const answers = await Promise.all(selectors(name).map((selector) => load(administration, selector)));
  const accounts = new Map(answers.filter(isAccount).map((account) => [account.user.id, account]));
  const [account, ...others] = accounts.values();
  if (account === undefined) throw new CommandFailure("NOT_FOUND", `no such user: ${name}`);
  if (others.length === 0) return account;
  const choices = [account, ...others]
    .map(({ user: { id, username } }) => `id:${id} (${username})`)
    .join(" or ");
  throw new CommandFailure("FAILED_PRECONDITION", `${name} may mean more than one user: write ${choices}`);
}

/** The id alone, which `id:7` says without asking. */
export async function findUserId(administration: Administration, name: string): Promise<bigint> {
  const id = name.startsWith("id:") ? idOf(name.slice("id:".length)) : undefined;
  return id ?? (await findUser(administration, name)).id;
}

function selectors(name: string): readonly Selector[] {
  const [, kind, rest = ""] = /^(id|username|email):(.*)$/s.exec(name) ?? [];
  if (kind === "username" || kind === "email") return [{ case: kind, value: rest }];
  const id = idOf(kind === "id" ? rest : name);
  const byId: readonly Selector[] = id === undefined ? [] : [{ case: "id", value: id }];
  if (kind === "id") return byId;
  const byEmail: readonly Selector[] = name.includes("@") ? [{ case: "email", value: name }] : [];
  return [{ case: "username", value: name }, ...byId, ...byEmail];
}

const largestId = 2n ** 63n - 1n;

function idOf(text: string): bigint | undefined {
  if (!/^[1-9]\d{0,18}$/.test(text)) return undefined;
  const id = BigInt(text);
  return id <= largestId ? id : undefined;
}

async function load(
  administration: Administration,
  selector: Selector,
): Promise<GetUserResponse | undefined> {
  try {
    return await administration.call(UserService.method.getUser, { selector });
  } catch (error) {
    if (failureOf(error)?.status === "NOT_FOUND") return undefined;
    throw error;
  }
}

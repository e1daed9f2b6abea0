import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, type CallStatus, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { tenantViolations } from "../core/tenant.ts";
import type { TenantSchema, TenantService } from "../gen/auth/v1/tenants_pb.ts";
import { Conflict } from "../store/contracts.ts";
import type { TenantRecord, TenantStore } from "../store/tenant-contracts.ts";
import { found, pageOf, pageSize, readPageToken } from "./page.ts";

export interface TenantServiceOptions {
  readonly tenants: TenantStore;
  /** Returns when this node has applied every change that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** `auth.v1.TenantService`: tenants, for administrators of the installation. Its rules let nobody in who is in one. */
export function createTenantService({
  tenants,
  caughtUp,
}: TenantServiceOptions): ServiceHandlers<typeof TenantService> {
  const by = (context: CallContext): string => context.requireUser().userId;

  async function switched({ id }: { readonly id: string }, context: CallContext, disabled: boolean) {
    const tenant = found(await tenants.setDisabled(id, disabled, by(context)), "tenant");
    // No answer before this node refuses by it.
    await caughtUp();
    return { tenant: tenantMessage(tenant) };
  }

  return {
    async createTenant({ id, name }, context) {
      const wanted = name === "" ? { id } : { id, name };
      requireNone(...tenantViolations(wanted));
      const creation = tenants.create(wanted, by(context));
      return { tenant: tenantMessage(await conflictsNamed(creation, "ALREADY_EXISTS")) };
    },
    async getTenant({ id }) {
      return { tenant: tenantMessage(found(await tenants.find(id), "tenant")) };
    },
    async listTenants({ pageSize: size, pageToken }) {
      const limit = pageSize(size);
      const [after] = readPageToken(pageToken, 1) ?? [];
      const page = pageOf(await tenants.list({ limit: limit + 1, after }), limit, ({ id }) => [id]);
      return { tenants: page.rows.map(tenantMessage), nextPageToken: page.nextPageToken };
    },
    async updateTenant({ id, name }, context) {
      requireNone(...tenantViolations({ name }));
      const update = tenants.update(id, { name }, by(context));
      return { tenant: tenantMessage(found(await conflictsNamed(update, "ALREADY_EXISTS"), "tenant")) };
    },
    disableTenant: (request, context) => switched(request, context, true),
    enableTenant: (request, context) => switched(request, context, false),
    async deleteTenant({ id }, context) {
      if (!(await conflictsNamed(tenants.delete(id, by(context)), "FAILED_PRECONDITION")))
        throw new CallError("NOT_FOUND", "No such tenant");
      await caughtUp();
      return {};
    },
  };
}

function tenantMessage(tenant: TenantRecord): MessageInitShape<typeof TenantSchema> {
  const { id, name, createdAt, updatedAt, disabledAt } = tenant;
  return {
    id,
    name,
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
    ...(disabledAt && { disabledAt: timestampFromDate(disabledAt) }),
  };
}

function requireNone(...[first, ...rest]: readonly FieldViolation[]): void {
  if (first !== undefined) throw invalidArgument(first, ...rest);
}

async function conflictsNamed<T>(change: Promise<T>, status: CallStatus): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    throw new CallError(status, error.message, [{ field: error.field, description: error.message }]);
  }
}

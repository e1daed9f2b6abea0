import { doors } from "./doors.ts";
import { describeTable } from "./table.suite.ts";

// The one table, where a proxy asks on behalf of a service that guards nothing itself.

describeTable(doors.filter(({ of }) => of === "proxy"));

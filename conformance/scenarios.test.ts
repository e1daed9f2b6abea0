import { doors } from "./doors.ts";
import { describeTable } from "./table.suite.ts";

// The one table, at the doors of the program.

describeTable(doors.filter(({ of }) => of === "program"));

const browsers: readonly (readonly [name: string, version: RegExp])[] = [
  ["Edge", /\bEdg\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Firefox", /\bFirefox\/(\d+)/],
  ["Chrome", /\bChrome\/(\d+)/],
  ["Safari", /\bVersion\/(\d+).*\bSafari\//],
];

const systems: readonly (readonly [name: string, sign: RegExp])[] = [
  ["Windows", /\bWindows\b/],
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["macOS", /\bMac OS X\b/],
  ["Linux", /\bLinux\b/],
];

/** `Firefox 140 on Linux`, for what a browser says of itself; other programs by their own words. */
export function agentName(agent: string): string {
  if (!agent.startsWith("Mozilla/")) return agent;
  for (const [name, version] of browsers) {
    const found = version.exec(agent)?.[1];
    if (found === undefined) continue;
    const system = systems.find(([, sign]) => sign.test(agent))?.[0];
    return [`${name} ${found}`, system].filter(Boolean).join(" on ");
  }
  return agent;
}

/**
 * When an ECDSA or EdDSA check belongs on the thread pool: there it costs the caller a turn of the event loop, and
 * everybody else nothing; two cores do twice as many. A check that is alone is quicker done in place.
 */
let busyTurn = false;
let inFlight = 0;

/** True while checks are in flight, and for every check but the first in one turn of the event loop. */
export function prefersPool(): boolean {
  if (busyTurn || inFlight > 0) return true;
  busyTurn = true;
  setImmediate(endTurn).unref();
  return false;
}

/** Counts a check for as long as it is in flight. */
export function enterPool(check: Promise<boolean>): Promise<boolean> {
  inFlight++;
  return check.finally(leavePool);
}

function endTurn(): void {
  busyTurn = false;
}

function leavePool(): void {
  inFlight--;
}

/** What secrets that imported keys were hashed with are sealed for. */
export const importPurpose = "import secret";

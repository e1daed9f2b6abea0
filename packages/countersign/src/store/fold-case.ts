/** The form in which usernames and emails are compared: NFKC, without regard to case. */
export function foldCase(text: string): string {
  // Lower-casing can leave a form that NFKC would compose, hence the second pass.
  return text.normalize("NFKC").toLowerCase().normalize("NFKC");
}

/** A name of a key as it is kept: NFC, so that two names of one look are one. */
export function keptName(name: string): string {
  return name.normalize("NFC");
}

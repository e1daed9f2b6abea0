/** The simple commands of a shell text, each as its words: also those of `$(…)`. Throws for what it does not read. */
export function commandsOf(text: string): readonly (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let skipNext = false;
  const endWord = (): void => {
    if (word !== undefined && !skipNext) words.push(word);
    if (word !== undefined) skipNext = false;
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    const own = withoutPrefix(words);
    if (own.length > 0) commands.push(own);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === "\\") {
      at++;
      if (text[at] !== "\n") word = (word ?? "") + (text[at] ?? "");
    } else if (char === "'") {
      const end = endOfLiteral(text, at + 1);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const end = endOfQuoted(text, at + 1);
      const quoted = text.slice(at + 1, end);
      for (const inner of substitutions(quoted)) commands.push(...commandsOf(inner));
      word = (word ?? "") + quoted;
      at = end;
    } else if (char === "$" && text[at + 1] === "(") {
      const end = endOfSubstitution(text, at + 2);
      commands.push(...commandsOf(text.slice(at + 2, end)));
      word = `${word ?? ""}$(…)`;
      at = end;
    } else if (char === "#" && word === undefined) {
      at = endOfLine(text, at) - 1;
    } else if (char === "<" && text[at + 1] === "<") {
      throw new Error("a here-document is not read: put the text into quotes or a file");
    } else if (char === ">" || char === "<") {
      if (/^\d*$/.test(word ?? "")) word = undefined;
      endWord();
      while (/[>&]/.test(text[at + 1] ?? "")) at++;
      skipNext = true;
    } else if (/[\n;|&()]/.test(char)) endCommand();
    else if (/\s/.test(char)) endWord();
    else word = (word ?? "") + char;
  }
  endCommand();
  return commands;
}

const keywords = new Set([
  "if",
  "then",
  "else",
  "elif",
  "while",
  "until",
  "do",
  "!",
  "{",
  "time",
  "export",
  "exec",
]);

/** Without keywords and assignments before the command itself. */
function withoutPrefix(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !keywords.has(word) && !/^[A-Za-z_]\w*=/.test(word));
  return first === -1 ? [] : words.slice(first);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

function endOfLiteral(text: string, from: number): number {
  const end = text.indexOf("'", from);
  if (end === -1) throw new Error("a quote that does not end");
  return end;
}

function endOfQuoted(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "$" && text[at + 1] === "(") at = endOfSubstitution(text, at + 2);
    else if (text[at] === '"') return at;
  }
  throw new Error("a quote that does not end");
}

function endOfSubstitution(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") at = endOfLiteral(text, at + 1);
    else if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  throw new Error("a $( that does not end");
}

function substitutions(quoted: string): readonly string[] {
  const start = quoted.indexOf("$(");
  if (start === -1) return [];
  const end = endOfSubstitution(quoted, start + 2);
  return [quoted.slice(start + 2, end), ...substitutions(quoted.slice(end))];
}

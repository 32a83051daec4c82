import { badRequest } from "../problem.ts";

/**
 * The text behind oc's `--`, made safe.
 *
 * oc joins the words after `--` into `bash -c` in a pod that is cluster-admin, and from 4.20 on hands the text to
 * bash through a here-document, where `$`, a backtick and a backslash are expanded inside quotes too. So no text
 * made here ever holds one of those three, nor a control character: what is left means the same in both ways.
 */

/** What a client may send: one text, or the words of it. */
export type Command = string | readonly string[];

/** Longest command, in characters: a record carries it, and every client polls the list of records. */
export const LONGEST_COMMAND = 8192;

const TEXT = /^[A-Za-z0-9_\-~/:.=@,+% ]$/;
const WORD = /^[A-Za-z0-9_\-~/:.=@,+% ()'"#&|;<>*?[\]{}!]$/;

/** A word bash takes as it is. No `~`: unquoted it becomes a home folder. */
const PLAIN = /^[A-Za-z0-9_\-/:.=@,+%]+$/;

const KEY = /(?:^|(?<= ))(?:NS|PLAN|VM)=/g;
const PROGRAM = / (\/usr\/bin\/[A-Za-z0-9_.+-]+) *$/;

/** The command as a record shows it: a text as sent, words joined by single spaces. */
export function commandAsSent(command: Command): string {
  return typeof command === "string" ? command : command.join(" ");
}

/**
 * The one argument that goes to oc after `--`; `""` for a command that is empty or blank.
 *
 * - A text is passed on as it is, unless it has the UI's form: `NS=`, `PLAN=`, `VM=` and then `/usr/bin/<program>`.
 *   There a value reaches to the next key or the program, without the blanks around it, and is quoted for bash.
 * - Words are quoted one by one. Of a leading `NAME=value` only the value is, so that bash still sets the variable.
 *
 * Throws a {@link Problem} of status 400 that names the first character not allowed and its place.
 */
export function commandLine(command: Command): string {
  if (commandAsSent(command).length > LONGEST_COMMAND) {
    throw badRequest(`command: longer than ${LONGEST_COMMAND} characters; shorten it`);
  }
  if (typeof command !== "string") return words(command);
  if (/^ *$/.test(command)) return "";
  const form = uiForm(command);
  if (form === undefined) {
    check(command, TEXT, (column) => `column ${column}`);
    return command;
  }
  check(command, WORD, (column) => `column ${column}`);
  return form;
}

function words(command: readonly string[]): string {
  if (command.length === 0) return "";
  if (command.every((word) => /^ *$/.test(word))) {
    throw badRequest("command: its words are all blank; leave command out or give a program");
  }
  command.forEach((word, index) => {
    check(word, WORD, (column) => `column ${column} of word ${index + 1}`);
  });
  let assigning = true; // bash reads NAME=value as a variable only before the first other word
  return command.map((word) => {
    const name = /^[A-Za-z_][A-Za-z0-9_]*=/.exec(word)?.[0];
    assigning &&= name !== undefined;
    return assigning && name ? assignment(name, word.slice(name.length)) : quote(word);
  }).join(" ");
}

/** The UI's form quoted for bash, or `undefined` where the text has another form. */
function uiForm(text: string): string | undefined {
  const form = readForm(text);
  if (!form) return undefined;
  const quoted = form.values.map(({ key, value }) => assignment(`${key}=`, value));
  return [...quoted, form.program].join(" ");
}

/** A text of the UI's form: its values in their order, and the program. */
export interface CommandForm {
  readonly values: readonly { readonly key: string; readonly value: string }[];
  readonly program: string;
}

/** Takes a text of the UI's form apart; `undefined` where it has another form. Checks no characters. */
export function readForm(text: string): CommandForm | undefined {
  const program = PROGRAM.exec(text);
  if (!program?.[1]) return undefined;
  const assignments = text.slice(0, program.index);
  const keys = [...assignments.matchAll(KEY)];
  if (!keys[0] || assignments.slice(0, keys[0].index).trim() !== "") return undefined;
  const values = keys.map((key, index) => ({
    key: key[0].slice(0, -1),
    value: assignments.slice(key.index + key[0].length, keys[index + 1]?.index)
      .replace(/^ +| +$/g, ""),
  }));
  return { values, program: program[1] };
}

function assignment(name: string, value: string): string {
  return value === "" ? name : name + quote(value);
}

/** A single quote goes between double quotes, all else between single ones: neither needs a backslash. */
function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  if (word === "") return "''";
  return word.replace(/'+|[^']+/g, (run) => run.startsWith("'") ? `"${run}"` : `'${run}'`);
}

function check(text: string, allowed: RegExp, place: (column: number) => string): void {
  let column = 0; // in characters as a person counts them, not in UTF-16 units
  for (const character of text) {
    column += 1;
    if (allowed.test(character)) continue;
    throw badRequest(
      `command: ${nameOf(character)} at ${place(column)} is not allowed; ${advice(character)}`,
    );
  }
}

function nameOf(character: string): string {
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return /^[!-~]$/.test(character) ? `"${character}" (U+${point})` : `U+${point}`;
}

function advice(character: string): string {
  if (WORD.test(character)) {
    return "send command as an array of words, where each word is quoted for bash";
  }
  return "a command may hold letters, digits, space and _ - ~ / : . = @ , + %, and the words of an array also " +
    `( ) ' " # & | ; < > * ? [ ] { } !`;
}

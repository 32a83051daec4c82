/** What a command of Forklift's `targeted` script is about. */
import { commandLine, readForm } from "../oc/command.ts";

/** Forklift's script for one plan, VM or namespace. */
const PROGRAM = "/usr/bin/targeted";

/** The values of a `targeted` command; `""` for what it does not name. */
export interface Target {
  readonly namespace: string;
  readonly plan: string;
  readonly vm: string;
}

/** Reads a command as it was sent; `undefined` where it is another, or names something twice. */
export function readTarget(command: string): Target | undefined {
  const form = readForm(command);
  if (form?.program !== PROGRAM) return undefined;
  const values = new Map(form.values.map(({ key, value }) => [key, value]));
  if (values.size !== form.values.length) return undefined;
  const { NS: namespace = "", PLAN: plan = "", VM: vm = "" } = Object.fromEntries(values);
  return { namespace, plan, vm };
}

/** The command for a target: as the record shows it, and as it goes to oc. Throws a `Problem` for what none may hold. */
export function targetCommand({ namespace, plan, vm }: Target): {
  command: string;
  commandLine: string;
} {
  const words = [
    namespace && `NS=${namespace}`,
    plan && `PLAN=${plan}`,
    vm && `VM=${vm}`,
    PROGRAM,
  ];
  const command = words.filter(Boolean).join(" ");
  return { command, commandLine: commandLine(command) };
}

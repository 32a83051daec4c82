/** The program that only reads: starts the command of its arguments, counts the lines it prints, and prints them with the CPU they took. */
import { spawn } from "node:child_process";
import process from "node:process";

const NEWLINE = 10;

const [command = "", ...args] = process.argv.slice(2);
const before = process.cpuUsage();
const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
let lines = 0;
child.stdout.on("data", (piece: Buffer) => {
  for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) lines++;
});
child.on("close", () => {
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(JSON.stringify({ lines, cpuMs: (user + system) / 1000 }) + "\n");
});

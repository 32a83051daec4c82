/** What the runtime itself can do: a bare `node:http` server that sends the same bytes. Also the program of that server. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { commandOf, compileCache, type Runtime, startProgram, stopProgram } from "./service.ts";

/** A reply as it is sent, whatever is asked for at its path. */
export interface Reply {
  path: string;
  status: number;
  headers: Record<string, string>;
  /** In base64. */
  body: string;
}

/** A bare server that runs. */
export interface Bare {
  port: number;
  pid: number;
  stop: () => Promise<void>;
}

/** What a server adds to each reply by itself. */
const OF_THE_SERVER = ["date", "connection", "keep-alive", "content-length", "transfer-encoding"];

/** Asks the service for a reply, for the bare server to give the same. */
export async function recordReply(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const own = [...reply.headers].filter(([name]) => !OF_THE_SERVER.includes(name));
  return {
    path,
    status: reply.status,
    headers: Object.fromEntries(own),
    body: Buffer.from(await reply.arrayBuffer()).toString("base64"),
  };
}

/** Starts a bare server that knows these replies. */
export async function startBare(
  replies: readonly Reply[],
  cpu: number | undefined,
  runtime: Runtime = "node",
): Promise<Bare> {
  const file = join(tmpdir(), `bench-bare-${process.pid}.json`);
  await writeFile(file, JSON.stringify(replies));
  let child: ChildProcess;
  let port: number;
  try {
    const command = [...commandOf(runtime, fileURLToPath(import.meta.url)), file];
    ({ child, found: port } = await startProgram(command, compileCache(runtime), cpu, Number));
  } finally {
    await rm(file, { force: true });
  }
  return { port, pid: child.pid ?? 0, stop: () => stopProgram(child) };
}

if (import.meta.main) {
  const replies = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Reply[];
  const byPath = new Map(
    replies.map((reply) => [reply.path, { ...reply, bytes: Buffer.from(reply.body, "base64") }]),
  );
  const server = createServer((request, response) => {
    const reply = byPath.get(request.url ?? "");
    if (!reply) return void response.writeHead(404).end();
    const length = reply.bytes.length;
    if (length === 0) return void response.writeHead(reply.status, reply.headers).end();
    response.writeHead(reply.status, { ...reply.headers, "content-length": length });
    response.end(reply.bytes);
  });
  server.keepAliveTimeout = 100_000;
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

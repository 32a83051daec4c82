/** Loaded into a service that is to be too slow (`--import`): each request digests so many bytes besides. The guard has to see it. */
import { createHash } from "node:crypto";
import { Server } from "node:http";

/** Takes about twice as long as a poll of 2 KB. */
const BYTES = Buffer.alloc(100_000);

const emit = Server.prototype.emit;
Server.prototype.emit = function (this: Server, event: string | symbol, ...args: unknown[]) {
  if (event === "request") createHash("sha256").update(BYTES).digest();
  return Reflect.apply(emit, this, [event, ...args]) as boolean;
};

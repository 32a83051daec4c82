/** The program of a bare server that sends one file to whoever asks: what the runtime itself can do. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

const file = process.argv[2] ?? "";
const server = createServer((_, response) => {
  response.writeHead(200, { "content-length": statSync(file).size });
  createReadStream(file).pipe(response);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});

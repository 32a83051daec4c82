import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { ApiLists } from "./api-lists.ts";

const run = promisify(execFile);

export type KeyKind = "rsa" | "ec";

/** A certificate authority of the test's own. */
export interface Authority {
  /** The path of its certificate, PEM. */
  readonly path: string;
  /** Issues a certificate for `names` (as openssl's subjectAltName has them). */
  issue(kind?: KeyKind, names?: string): Promise<{ certificate: string; key: string }>;
}

const NEW_KEY: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ["-newkey", "rsa:2048"],
  ec: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
};

/** Makes an authority in `folder` with the openssl program. */
export async function makeAuthority(folder: string, kind: KeyKind = "ec"): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "ca.crt");
  const caKey = join(folder, "ca.key");
  const name = `/CN=authority of the tests ${randomUUID()}`;
  // deno-fmt-ignore
  await run("openssl", [
    "req", "-x509", "-nodes", ...NEW_KEY[kind], "-days", "2", "-subj", name,
    "-addext", "keyUsage=critical,keyCertSign", "-keyout", caKey, "-out", path,
  ]);
  let issued = 0;
  return {
    path,
    async issue(of = kind, names = "IP:127.0.0.1,DNS:localhost") {
      const stem = join(folder, `server-${++issued}`);
      // deno-fmt-ignore
      await run("openssl", [
        "req", "-new", "-nodes", ...NEW_KEY[of], "-subj", "/CN=api",
        "-keyout", `${stem}.key`, "-out", `${stem}.csr`,
      ]);
      await writeFile(`${stem}.ext`, `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
      // deno-fmt-ignore
      await run("openssl", [
        "x509", "-req", "-days", "2", "-in", `${stem}.csr`, "-CA", path, "-CAkey", caKey,
        "-set_serial", String(issued), "-extfile", `${stem}.ext`, "-out", `${stem}.crt`,
      ]);
      return {
        certificate: await readFile(`${stem}.crt`, "utf8"),
        key: await readFile(`${stem}.key`, "utf8"),
      };
    },
  };
}

/** Who a token belongs to, and whether that user may do everything. */
export interface User {
  readonly name: string;
  readonly admin: boolean;
  /** Resources that this user may create besides, or may not although an admin. */
  readonly may?: Readonly<Record<string, boolean>>;
}

/** What oc adm must-gather creates, by its group. */
const CREATED = ["/namespaces", "rbac.authorization.k8s.io/clusterrolebindings"];

/** How the server answers; `hold` keeps questions until `release()`. */
export type Mood =
  | "answer"
  | "hold"
  | "500"
  | "429"
  | "broken"
  | "cut"
  | "huge"
  | "hang-up"
  | "hang-up-once";

/** An API server that knows the two reviews and some lists, and counts them. It keeps no token beyond `users`. */
export interface ApiServer {
  readonly url: string;
  /** By token. Take one out to revoke it. */
  readonly users: Map<string, User>;
  /** For all questions, or, in `moodOf`, for those of one user's. */
  mood: Mood;
  readonly moodOf: Map<string, Mood>;
  /** How TokenReviews are answered; 403 is what a user without rights gets. */
  nameMood: Mood | "403";
  /** What a GET gives. */
  readonly lists: ApiLists;
  /** SelfSubjectAccessReviews and TokenReviews that arrived. */
  readonly asked: { access: number; name: number };
  /** The most questions that were under way at once, and the connections that were opened. */
  readonly most: { asking: number };
  readonly connections: { readonly opened: number };
  /** Answers what is held, and goes on answering. */
  release(): void;
  /** Fulfils when `count` questions are held; rejects after 20 s: far more than it takes. */
  held(count: number): Promise<void>;
  /** Fulfils when `count` connections are open; rejects after 20 s: far more than it takes. */
  open(count: number): Promise<void>;
  /** Closes connections that nobody uses, as a server does after a while. */
  closeIdle(): void;
  /** Serves another certificate to new connections. */
  serve(pair: { certificate: string; key: string }): void;
  close(): Promise<void>;
}

/** Starts one on `port` of 127.0.0.1, a free one without it. */
export async function startApiServer(
  { certificate, key }: { certificate: string; key: string },
  port = 0,
): Promise<ApiServer> {
  const server = createServer({ cert: certificate, key }, (request, response) => {
    state.most.asking = Math.max(state.most.asking, ++asking);
    response.on("close", () => asking--);
    answer(request, response).catch(() => response.destroy());
  });
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const connections = { opened: 0 };
  let asking = 0;
  let change = Promise.withResolvers<void>();
  function changed(): void {
    change.resolve();
    change = Promise.withResolvers();
  }
  /** Fulfils when `met` is, looking at it after every change; rejects after 20 s: far more than it takes. */
  async function until(met: () => boolean, what: string): Promise<void> {
    const timer = setTimeout(() => change.reject(new Error(`waited for ${what}`)), 20_000);
    try {
      while (!met()) await change.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  const state: ApiServer = {
    url: "",
    users: new Map(),
    mood: "answer",
    moodOf: new Map(),
    nameMood: "answer",
    lists: new ApiLists(),
    asked: { access: 0, name: 0 },
    most: { asking: 0 },
    connections,
    release() {
      state.mood = "answer";
      state.moodOf.clear();
      for (const go of waiting.splice(0)) go();
    },
    held: (count) => until(() => waiting.length >= count, `${count} held questions`),
    open: (count) => until(() => sockets.size === count, `${count} open connections`),
    closeIdle: () => server.closeIdleConnections(),
    serve: (pair) => server.setSecureContext({ cert: pair.certificate, key: pair.key }),
    async close() {
      for (const go of waiting.splice(0)) go();
      state.lists.close();
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };

  server.on("secureConnection", (socket: Socket) => {
    sockets.add(socket);
    connections.opened++;
    changed();
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      changed();
    });
  });
  server.on("tlsClientError", () => {}); // a client that does not trust it hangs up

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") return answerList(request, response);
    const body = JSON.parse(await readAll(request));
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const user = state.users.get(token);
    const naming = request.url === "/apis/authentication.k8s.io/v1/tokenreviews";
    if (!naming && request.url !== "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") {
      return reply(response, 404, { kind: "Status", code: 404 });
    }
    state.asked[naming ? "name" : "access"]++;
    const mood = naming ? state.nameMood : state.moodOf.get(user?.name ?? "") ?? state.mood;
    if (mood === "hold") {
      const gate = Promise.withResolvers<void>();
      waiting.push(gate.resolve);
      changed();
      await gate.promise;
    }
    if (mood === "500" || mood === "429" || mood === "403") {
      return reply(response, Number(mood), { kind: "Status", code: Number(mood) });
    }
    if (mood === "broken") return void response.writeHead(201).end('{"status": {"allo');
    if (mood === "cut") {
      response.writeHead(201, { "content-length": 1000 }).write('{"status":');
      return void setImmediate(() => request.socket.destroy());
    }
    if (mood === "huge") {
      return void response.writeHead(201).end(`{"x":"${"x".repeat(2 * 2 ** 20)}"}`);
    }
    if (mood === "hang-up-once") state.mood = "answer";
    if (mood === "hang-up" || mood === "hang-up-once") return void request.socket.destroy();
    if (user === undefined) return reply(response, 401, { kind: "Status", code: 401 });
    if (naming) {
      const same = body.spec.token === token;
      const status = same ? { authenticated: true, user: { username: user.name } } : {};
      return reply(response, 201, { kind: "TokenReview", status });
    }
    const { verb, group, resource } = body.spec.resourceAttributes;
    const all = verb === "*" && group === "*" && resource === "*";
    const create = verb === "create" && CREATED.includes(`${group}/${resource}`);
    reply(response, 201, {
      kind: "SelfSubjectAccessReview",
      status: { allowed: create ? user.may?.[resource] ?? user.admin : user.admin && all },
    });
  }

  function answerList(request: IncomingMessage, response: ServerResponse): void {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    state.lists.answer(request, response, state.users.has(token));
  }

  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(state, {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

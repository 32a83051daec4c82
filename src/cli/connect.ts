/** Finds the service to use, or starts one. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Variables } from "../config/environment.ts";
import { readServing } from "../config/serving.ts";
import { thisSystem } from "../system.ts";
import { Client, type Probe } from "./client.ts";
import { Failure } from "./errors.ts";
import { type Environment, type OwnService, startService } from "./service-process.ts";

/** How long a service that starts or goes down is waited for, longer than a drain takes; and how often it is asked. */
const CHANGE_MS = 40_000;
const ASK_AGAIN_MS = 200;

/**
 * How long another client's service, which has the journal or the port already, may take until it listens or has ended; and how
 * long it is looked for before ours is started once more, as it may have come and gone between two looks. Milliseconds.
 */
const TWIN_MS = 5000;
const TWIN_LOOK_MS = 1000;

export interface ConnectOptions {
  url: URL | undefined;
  token: string | undefined;
  /** PEM. */
  ca: string | undefined;
  env: Environment;
  /** The folder that relative paths in the environment start from. */
  cwd: string;
  /** Takes a sentence for the person who waits. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

/** A service to talk to. Who gets it ends `own`. */
export interface Connection {
  client: Client;
  own: OwnService | undefined;
}

/** Connects to the service at `url`; without one to that on PORT, which is started where nobody answers. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  return options.url ? await connectTo(options.url, options) : await connectHere(options);
}

async function connectTo(url: URL, options: ConnectOptions): Promise<Connection> {
  const client = new Client({ base: url, token: options.token, ca: options.ca });
  const probe = await client.probe(options.signal);
  if (probe.found === "service") return { client, own: undefined };
  throw new Failure(
    probe.found === "nobody"
      ? `Nobody answers at ${url}: ${probe.why}`
      : `${url} is no must-gather service: ${probe.why}`,
  );
}

async function connectHere(options: ConnectOptions): Promise<Connection> {
  const { env, cwd, tell, signal } = options;
  const { port, host, tls } = readServing(
    new Variables(env),
    { ...thisSystem(), cwd },
    "none", // whether it may be served so is for the service to say
    [],
  );
  const ca = options.ca ?? (tls && await readFile(tls.certificate, "utf8"));
  const clientOf = (url: string) => new Client({ base: reachable(url), token: options.token, ca });
  const onPort = clientOf(`${tls ? "https" : "http"}://${urlHost(host ?? "127.0.0.1")}:${port}/`);
  const start = async (startEnv: Environment): Promise<Connection> => {
    tell("Starting the service");
    const own = await startService(startEnv, cwd, signal);
    try {
      return { client: clientOf(own.url), own };
    } catch (error) {
      await own.stop(signal);
      throw error;
    }
  };

  const found = port === 0 ? undefined : await settled(onPort, tell, signal);
  if (found?.found === "service") return { client: onPort, own: undefined };
  let startEnv = env;
  if (found?.found === "other") {
    tell(
      `${onPort.base.host} is taken by something that is no must-gather service (${found.why}); ` +
        "using a free port instead",
    );
    startEnv = { ...env, PORT: `${urlHost(host ?? "127.0.0.1")}:0` };
  }
  let giveUpAt: number | undefined;
  for (;;) {
    try {
      return await start(startEnv);
    } catch (error) {
      signal.throwIfAborted();
      // Somebody else may have had the same thought at the same time.
      if (port === 0 || startEnv !== env || !isOfTwin(error)) throw error;
      giveUpAt ??= performance.now() + TWIN_MS;
      if (await comesUp(onPort, signal)) return { client: onPort, own: undefined };
      if (performance.now() > giveUpAt) throw error;
    }
  }
}

/** Whether a service of ours could not start because another has its journal or its port. */
function isOfTwin(error: unknown): boolean {
  return error instanceof Failure && /must-gather service uses|uses the port/.test(error.message);
}

/** Who is there, once that is not about to change. */
async function settled(
  client: Client,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Probe> {
  const giveUpAt = performance.now() + CHANGE_MS;
  for (let times = 0;; times++) {
    const probe = await client.probe(signal);
    if (probe.found !== "service" || probe.ready) return probe;
    if (performance.now() > giveUpAt) {
      throw new Failure(`The service at ${client.base} is not ready after ${CHANGE_MS / 1000} s`);
    }
    if (times === 0) tell(`Waiting: the service at ${client.base} starts or goes down`);
    await pause(signal);
  }
}

/** Whether a service is ready there within {@linkcode TWIN_LOOK_MS}. */
async function comesUp(client: Client, signal: AbortSignal): Promise<boolean> {
  const giveUpAt = performance.now() + TWIN_LOOK_MS;
  for (;;) {
    const probe = await client.probe(signal);
    if (probe.found === "service" && probe.ready) return true;
    if (performance.now() > giveUpAt) return false;
    await pause(signal);
  }
}

/** Rejects with the signal's reason once it aborts. */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** The address of "all addresses" is none to connect to. */
function reachable(url: string): URL {
  const base = new URL(url);
  if (base.hostname === "0.0.0.0") base.hostname = "127.0.0.1";
  if (base.hostname === "[::]") base.hostname = "[::1]";
  return base;
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

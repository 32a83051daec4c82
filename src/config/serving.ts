import { isIP } from "node:net";
import type { Config, System } from "../config.ts";
import { ConfigError, type Variables } from "./environment.ts";

type Serving = Pick<Config, "port" | "host" | "hostNamed" | "tls" | "tlsDisabled">;

/** Where to listen, with or without TLS. Refuses to take bearer tokens in clear from the network. */
export function readServing(
  read: Variables,
  system: System,
  auth: Config["auth"],
  warnings: string[],
): Serving {
  const { port, host: named } = readPort(read);
  const host = named ?? (auth === "none" ? "127.0.0.1" : undefined);
  const tlsDisabled = read.flag("API_TLS_ENABLED") === false;
  const tls = readTls(read, system, tlsDisabled);
  const local = host !== undefined && isLoopback(host);
  if (auth !== "none" && tls === undefined && !tlsDisabled && !local) {
    throw new ConfigError(
      "API_TLS_CERTIFICATE",
      undefined,
      "a certificate, as bearer tokens would cross the network in clear; or API_TLS_ENABLED=false " +
        "where something in front does TLS; or a loopback address in PORT",
    );
  }
  if (auth === "none" && !local) {
    warnings.push(
      `AUTH is none and PORT names ${host}: whoever reaches that address may start gathers and read archives`,
    );
  }
  return { port, host, hostNamed: named !== undefined, tls, tlsDisabled };
}

/** `8080`, `host:8080`, `[::1]:8080`, and Go's `:8080`. Port 0 lets the system choose one. */
function readPort(read: Variables): { port: number; host: string | undefined } {
  const value = read.text("PORT") ?? "8080";
  const [, bracketed, plain, digits] = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(value) ??
    [];
  const host = bracketed ?? (plain || undefined);
  const port = Number(digits);
  const badHost = bracketed !== undefined
    ? isIP(bracketed) !== 6
    : host !== undefined && !isHost(host);
  if (digits === undefined || port > 65_535 || badHost) {
    throw new ConfigError("PORT", value, "a port from 1 to 65535, or host:port");
  }
  return { port, host };
}

/** Whether `text` is a host name or an IP address. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function readTls(read: Variables, system: System, disabled: boolean): Config["tls"] {
  const certificate = read.path("API_TLS_CERTIFICATE", system.cwd);
  const key = read.path("API_TLS_KEY", system.cwd);
  if ((certificate === undefined) !== (key === undefined)) {
    const missing = key === undefined ? "API_TLS_KEY" : "API_TLS_CERTIFICATE";
    const other = key === undefined ? "API_TLS_CERTIFICATE" : "API_TLS_KEY";
    throw new ConfigError(missing, undefined, `the path of a PEM file, as ${other} is set`);
  }
  if (disabled) return undefined;
  if (certificate === undefined || key === undefined) {
    if (read.flag("API_TLS_ENABLED") !== true) return undefined;
    throw new ConfigError(
      "API_TLS_CERTIFICATE",
      undefined,
      "the path of a PEM file, and API_TLS_KEY, as API_TLS_ENABLED is true",
    );
  }
  expectPem(system, "API_TLS_CERTIFICATE", certificate, "CERTIFICATE");
  expectPem(system, "API_TLS_KEY", key, "PRIVATE KEY");
  return { certificate, key };
}

function expectPem(system: System, variable: string, path: string, kind: string): void {
  if (!system.readText(path)?.includes(`${kind}-----`)) {
    throw new ConfigError(
      variable,
      path,
      `the path of a PEM file with a ${kind.toLowerCase()} in it`,
    );
  }
}

/** The origins other sites may call from, each exact. */
export function readOrigins(read: Variables): string[] {
  const value = read.text("CORS_ORIGINS");
  const origins = (value ?? "").split(/[\s,]+/).filter((origin) => origin !== "");
  for (const origin of origins) {
    if (!/^https?:/.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new ConfigError(
        "CORS_ORIGINS",
        origin,
        "origins with commas between, each as a browser sends it: https://host or https://host:port",
      );
    }
  }
  return origins;
}

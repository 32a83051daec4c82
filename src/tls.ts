/** The service's certificate and its key: read at start, and again whenever they are replaced. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { FreshFile, isWholePem } from "./auth/fresh-file.ts";
import { type Log, reasonOf } from "./log.ts";

/** The paths of two PEM files: a certificate with its chain, and its key. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What a TLS server takes. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * How often the files are looked at, in milliseconds: two `stat` a time. They are replaced days before they expire, and by
 * renaming a link, of which a watch tells nothing.
 */
const LOOK_MS = 2_000;

/** A pair of files that others replace while the service runs: RSA or ECDSA, in any form of PEM but an encrypted one. */
export class PairOnDisk {
  readonly #files: PairFiles;
  readonly #cert: FreshFile;
  readonly #key: FreshFile;
  readonly #lookMs: number;
  /** The pair in use. */
  #pair: Pair;
  /** The last pair that could not be used, and whether that was told. */
  #refused: (Pair & { told: boolean }) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Throws a line that names the variable and the file when they are missing, or no pair. */
  constructor(files: PairFiles, { lookMs = LOOK_MS }: { lookMs?: number | undefined } = {}) {
    // A half-written file is read too: it has to be told of, should it stay.
    const options = { everyMs: 0, isWhole: () => true };
    this.#files = files;
    this.#cert = new FreshFile(files.certificate, options);
    this.#key = new FreshFile(files.key, options);
    this.#lookMs = lookMs;
    this.#pair = {
      cert: read("API_TLS_CERTIFICATE", this.#cert),
      key: read("API_TLS_KEY", this.#key),
    };
    check(this.#pair, files);
  }

  /** The newest that is one. */
  get pair(): Pair {
    return this.#pair;
  }

  /**
   * Hands every new pair to `renew`, until {@linkcode close}. A pair that is half written, or of which one file is new and the other is
   * not yet, leaves the old one in use; when it stays so, that is logged, once.
   */
  follow(renew: (pair: Pair) => void, log: Log): void {
    this.#timer = setInterval(() => this.#look(renew, log), this.#lookMs);
    this.#timer.unref();
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(renew: (pair: Pair) => void, log: Log): void {
    const pair = { cert: this.#cert.read(), key: this.#key.read() };
    if (isSame(pair, this.#pair)) return;
    const refused = isSame(pair, this.#refused) ? this.#refused : undefined;
    if (refused?.told) return;
    try {
      const { validTo } = check(pair, this.#files);
      renew(pair);
      this.#pair = pair;
      log.info("certificate renewed", { validTo });
    } catch (error) {
      // The first time it may be that just now the other file is being replaced.
      if (refused) {
        log.error("certificate not renewed, the old one stays", { reason: reasonOf(error) });
      }
      this.#refused = { ...pair, told: refused !== undefined };
    }
  }
}

function isSame(pair: Pair, other: Pair | undefined): boolean {
  return pair.cert === other?.cert && pair.key === other.key;
}

function read(variable: string, file: FreshFile): string {
  try {
    return file.read();
  } catch (error) {
    throw new Error(`${variable}: cannot read ${file.path}: ${reasonOf(error)}`);
  }
}

/** Throws a line that names the variable and the file, unless each is whole and one belongs to the other. */
function check({ cert, key }: Pair, files: PairFiles): X509Certificate {
  const own = readChain(cert, files.certificate);
  if (!own.checkPrivateKey(readKey(key, files.key))) {
    throw new Error(
      `API_TLS_KEY: ${files.key} is not the key of the certificate in ${files.certificate} ` +
        "(API_TLS_CERTIFICATE); give both of one pair",
    );
  }
  return own;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The service's own certificate, the first; the others of its chain have to be readable as well. */
function readChain(pem: string, path: string): X509Certificate {
  try {
    if (!isWholePem(pem)) throw new Error("there is none, or it is cut off");
    const [own] = (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
    if (!own) throw new Error("there is none");
    return own;
  } catch (error) {
    throw new Error(`API_TLS_CERTIFICATE: ${path} holds no whole certificate: ${reasonOf(error)}`);
  }
}

function readKey(pem: string, path: string): KeyObject {
  // OpenSSL would ask for the passphrase on the terminal, and wait.
  if (pem.includes("ENCRYPTED")) {
    throw new Error(`API_TLS_KEY: the key in ${path} is encrypted; give it without a passphrase`);
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // What the library says of it tells nobody what to do.
    throw new Error(`API_TLS_KEY: ${path} holds no whole private key`);
  }
}

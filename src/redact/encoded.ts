/** Secrets within base64: the texts that give them away, as base64 writes them at each of three offsets. */
import { whileIn } from "./enders.ts";
import { type Answer, BASE64, MORE, skip, skipBack, type Window } from "./window.ts";

/** What stands near a secret, in the cases that are common. */
const TEXTS = [
  "password",
  "Password",
  "PASSWORD",
  "passwd",
  "token",
  "Token",
  "TOKEN",
  "secret",
  "Secret",
  "SECRET",
  "apikey",
  "apiKey",
  "api_key",
  "API_KEY",
  "access_key",
  "PRIVATE KEY",
  "Bearer ",
  "://",
];

/** A text in base64; `behind`: characters from a boundary of four to its end. */
export interface Encoded {
  text: string;
  behind: number;
}

/** What is looked for. A JSON Web Token begins with `eyJ` and is not looked for in the middle of something. */
export function encodedTexts(): Encoded[] {
  const found: Encoded[] = [{ text: "ZXlKa", behind: 5 }, { text: "ZXlKh", behind: 5 }];
  for (const text of TEXTS.filter(({ length }) => length > 4)) {
    for (const offset of [0, 1, 2]) {
      const whole = Buffer.concat([Buffer.alloc(offset), Buffer.from(text, "latin1")]);
      const behind = Math.floor(whole.length * 8 / 6);
      const begin = Math.ceil(offset * 8 / 6);
      found.push({ text: whole.toString("base64").slice(begin, behind), behind });
    }
  }
  return found;
}

const PART = Uint8Array.from(BASE64, (has, byte) => byte === 61 ? 0 : has);

/** How far a file was decoded; one a file. */
export interface Looked {
  /** Before this place, in bytes from its beginning, triggers have nothing to tell. */
  decodedTo: number;
}

/** Bytes that are decoded around what was found. */
const AROUND = 768;

/** Behind an {@link Encoded} text: all of the base64 around it, where `holds` finds a secret in what it says. */
export function encodedSecret(
  { behind }: Encoded,
  holds: (decoded: Buffer) => boolean,
): (w: Window, state: Looked) => Answer {
  return (w, state) => {
    const { bytes, at } = w;
    // What was decoded a moment ago and held nothing went far enough ahead: blobs do not take longer than texts.
    if (w.base + at < state.decodedTo) return undefined;
    const wanted = at + 2 * AROUND;
    const stop = skip(PART, bytes, at, Math.min(w.end, wanted));
    if (stop === w.end && stop < wanted && !w.isLast) return MORE;
    const start = skipBack(PART, bytes, at, Math.max(w.begin, w.free, at - AROUND));
    const boundary = at - behind;
    const first = boundary - Math.floor((boundary - start) / 4) * 4;
    const text = w.text(first, stop).replaceAll("-", "+").replaceAll("_", "/");
    if (!holds(Buffer.from(text, "base64"))) {
      state.decodedTo = w.base + at + AROUND;
      return undefined;
    }
    return { rule: "encoded", start, from: start, ender: whileIn(BASE64) };
  };
}

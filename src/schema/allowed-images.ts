import { Problem } from "../problem.ts";
import type { GatherRequest } from "./request.ts";

/** How an entry for image streams begins; without it an entry is for images. */
const STREAMS = "image-stream:";

/** The entry that allows `all-images`. */
const ALL_IMAGES = "all-images";

/** What ALLOWED_IMAGES may hold: names of images, and stars. */
const ENTRY = /^(?:image-stream:)?[A-Za-z0-9_.:/@*[\]+-]+$/;

/** Reads an entry of the list; `undefined` for a text that can be none. */
export function readAllowedImage(text: string): string | undefined {
  return text.length <= 512 && ENTRY.test(text) ? text : undefined;
}

/**
 * Checks that everything a request would run is in the list. An empty list allows all.
 *
 * An entry is compared with the whole reference as it is written, tag and digest too; `*` stands for any characters.
 * Images of streams and of all operators are known to the cluster only: each needs an entry of its own
 * (`image-stream:openshift/*`, `all-images`), which no entry for images stands for.
 *
 * Throws a `Problem` of status 403 that names the list.
 */
export function checkImages(
  request: Pick<GatherRequest, "images" | "imageStreams" | "allImages">,
  allowed: readonly string[],
): void {
  if (allowed.length === 0) return;
  const streams = allowed.filter((entry) => entry.startsWith(STREAMS))
    .map((entry) => entry.slice(STREAMS.length));
  if (!request.images.every((image) => isAllowedImage(image, allowed))) {
    throw refused("image", allowed);
  }
  if (!isEach(request.imageStreams, streams)) throw refused("image-stream", allowed);
  if (request.allImages && !allowed.includes(ALL_IMAGES)) throw refused(ALL_IMAGES, allowed);
}

/** Whether the list allows an image. */
export function isAllowedImage(image: string, allowed: readonly string[]): boolean {
  const patterns = allowed.filter((entry) => entry !== ALL_IMAGES && !entry.startsWith(STREAMS));
  return allowed.length === 0 || isEach([image], patterns);
}

function isEach(given: readonly string[], patterns: readonly string[]): boolean {
  return given.every((text) => patterns.some((pattern) => matches(pattern, text)));
}

/** In linear time, whatever the pattern: each piece between stars is taken where it stands first. */
function matches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length && text.endsWith(last);
}

function refused(
  key: "image" | "image-stream" | "all-images",
  allowed: readonly string[],
): Problem {
  return new Problem({
    status: 403,
    detail: `${key}: this service runs only what its ALLOWED_IMAGES lists: ${allowed.join(", ")}`,
  });
}

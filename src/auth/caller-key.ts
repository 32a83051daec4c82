import { hash } from "node:crypto";

/**
 * What is kept about somebody at a cluster is kept under this: the same for the same two, and never the token itself.
 *
 * @param who a token, or what no token can be
 */
export function callerKey(server: string | undefined, who: string): string {
  return hash("sha256", `${server}\n${who}`, "base64");
}

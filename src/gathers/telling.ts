import type { Redactor } from "../redact/redactor.ts";

/** What is known of a live gather for its last sentence, and who waits for its end. */
export interface Telling {
  /** Takes secrets out of what it prints, says and collects; one for all, so that tokens agree. */
  redactor: Redactor | undefined;
  troubles: string[];
  found: "data" | "fallback" | "nothing" | "unknown";
  /** Resolves when nothing works on its files any more. */
  packing: Promise<void> | undefined;
  ended: Promise<void>;
  end: () => void;
}

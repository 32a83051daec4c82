/** What packing needs to redact, loaded when an archive is to be redacted and not before. */
export { residueOf } from "./residue.ts";
export { createRewriter } from "./tree-rewriter.ts";

import { STATUS_CODES } from "node:http";

/** What a {@link Problem} is made from. */
export type ProblemInit = Readonly<{
  /** HTTP status, 400 to 599. */
  status: number;
  /** One or two sentences: what was wrong and what to change. Never holds a token, a header's value or a stack. */
  detail: string;
  /** Short name of the kind of problem; the status's own phrase unless given. */
  title?: string;
  /** Headers of the reply that belong to the problem, such as `Allow` or `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
}>;

/**
 * The one error that becomes a reply: thrown wherever a request is refused, turned into
 * `application/problem+json` (RFC 9457) in one place.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, detail, title, headers }: ProblemInit) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.title = title ?? STATUS_CODES[status] ?? "Error";
    this.headers = headers ?? {};
  }

  /** The reply, with a body of its own each time. */
  toResponse(): Response {
    const { title, status, detail } = this;
    return new Response(JSON.stringify({ type: "about:blank", title, status, detail }), {
      status,
      headers: { ...this.headers, "content-type": "application/problem+json" },
    });
  }
}

/** A request that has to be changed before it can be carried out: status 400. */
export function badRequest(detail: string): Problem {
  return new Problem({ status: 400, detail });
}

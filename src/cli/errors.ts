/** The ways in which the client ends without having done its job. */

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** It did not work, and trying again would not help: exit code 1. `message` is one sentence for a person. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** The connection failed or broke; trying again may help. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** As the system calls it (`ECONNREFUSED`); `""` where it has no name. */
  readonly code: string;

  constructor(message: string, code = "") {
    super(message);
    this.code = code;
  }
}

/** The service answered with an error. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** HTTP status. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Whoever started the client told it to leave at once. */
export class LeaveError extends Error {
  override readonly name = "LeaveError";
}
